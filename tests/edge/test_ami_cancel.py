"""What is said to Asterisk when an offer is taken back: the caller comes back to us should the phone be answered in that moment."""

from callhandler.core.observed import LinkDown, LinkUp, OfferFailed
from tests.edge.fake_asterisk import FakeAmi, event, fake_ami
from tests.edge.linked import LEG, up

CALLER = "PJSIP/pstn-00000001"


def said(fake: FakeAmi) -> list[tuple[str, str, str]]:
    """The orders about calls, in order."""
    orders = [one for one in fake.actions if one["Action"] in ("Setvar", "Hangup")]
    return [(one["Action"], one["Channel"], one.get("Value", "")) for one in orders]


async def test_the_caller_is_told_to_come_back_before_the_leg_is_hung_up_and_not_to_after_it_is_gone() -> None:
    async with fake_ami() as fake, up(fake) as (ami, _):
        ami.offer(LEG)
        ami.cancel(LEG.leg)
        await fake.until(lambda: fake.sent("Hangup"))
        assert said(fake) == [("Setvar", CALLER, "1"), ("Hangup", LEG.leg, "")]
        fake.send(event("Hangup", Uniqueid=LEG.leg, Cause=16, Context="callhandler-offer"))
        await fake.until(lambda: len(fake.sent("Setvar")) == 2)
        assert said(fake)[-1] == ("Setvar", CALLER, "")
        assert fake.sent("Setvar")[0]["Variable"] == "CH_AFTER"
        assert ami._callers == {}


async def test_an_offer_that_ends_by_itself_says_nothing_to_the_caller() -> None:
    async with fake_ami() as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        fake.send(event("Hangup", Uniqueid=LEG.leg, Cause=17, Context="callhandler-offer"))
        await watch.until(lambda: watch.count(OfferFailed))
        assert said(fake) == []
        assert (ami._callers, ami._watches) == ({}, {})


async def test_a_conversation_that_began_unseen_isnt_hung_up_for_an_offer_taken_back_meanwhile() -> None:
    async with fake_ami() as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        await fake.until(lambda: fake.sent("Originate"))
        talking = {"ChannelState": "6", "Context": "callhandler-offer", "BridgeID": "b"}
        ringing = {"ChannelState": "5", "Context": "callhandler-offer"}
        fake.channels += [{"Channel": "PJSIP/101-1", "Uniqueid": LEG.leg, **talking}]
        fake.channels += [{"Channel": "PJSIP/102-1", "Uniqueid": "of-2", **ringing}]
        fake.channels += [{"Channel": "PJSIP/103-1", "Uniqueid": "withdrawn", **talking}]
        await fake.stop()
        await watch.until(lambda: watch.count(LinkDown))
        ami.cancel(LEG.leg)
        ami.cancel("of-2")
        ami.hang_up("withdrawn")
        await fake.start()
        await watch.until(lambda: watch.count(LinkUp) == 2)
        await fake.until(lambda: len(fake.sent("Hangup")) == 2)
        assert sorted(one["Channel"] for one in fake.sent("Hangup")) == ["of-2", "withdrawn"]
