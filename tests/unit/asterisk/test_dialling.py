"""What is said to Asterisk to ring an agent or to dial a customer; a number can't become anything else."""

import pytest

from callhandler.asterisk.dialling import dialled, originate
from callhandler.asterisk.quoting import Unquotable
from callhandler.core.ports import DialLeg, OfferLeg


def customer(number: str, trunk: str = "pstn") -> DialLeg:
    return DialLeg("pbx1-1.2-d1", "pbx1-1.2", number, trunk, 30.0, 3_600.0, 'Acme "West"', "+12025550100")


def test_a_customer_is_dialled_over_the_trunk_into_our_own_context() -> None:
    assert dialled(customer("+12025550123")) == {
        "Channel": "PJSIP/+12025550123@trunk-pstn",
        "Context": "callhandler-customer",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "ChannelId": "pbx1-1.2-d1",
        "Timeout": "30000",
        "CallerID": '"Acme West" <+12025550100>',
        "Variable": ["CH_LONGEST=3600"],
    }


@pytest.mark.parametrize(
    "number", ["", "+", "1@evil", "12;x", "1/n", "1&PJSIP/2", "1,2", "${X}", "12 34", "1\r\nAction: x"]
)
def test_nothing_but_a_number_is_dialled(number: str) -> None:
    with pytest.raises(Unquotable):
        dialled(customer(number))


def test_nor_over_anything_but_a_trunk() -> None:
    with pytest.raises(Unquotable):
        dialled(customer("+12025550123", "pstn,30,G(x)"))


def test_an_agent_is_told_of_a_callback_and_joined_with_a_caller() -> None:
    leg = OfferLeg("c-o1", "101", "c", "", 15.0, "Callback Sales: Ann", "+12025550123", callback=True)
    said = originate(leg, "call-1")
    assert (said["Context"], said["Variable"]) == ("callhandler-callback", ["CH_LOCK=call-1"])
    live = OfferLeg("c-o1", "101", "c", "PJSIP/trunk-1", 15.0, "Sales: Ann", "+12025550123")
    said = originate(live, "call-1")
    assert (said["Context"], said["Variable"]) == ("callhandler-offer", ["CH_LOCK=call-1", "CH_CALLER=PJSIP/trunk-1"])
