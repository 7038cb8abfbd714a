"""The id of a channel that is rung for a call tells the call, and nothing else's does."""

import pytest

from callhandler.core.offer_legs import offer_leg, offer_of


@pytest.mark.parametrize("call", ["pbx1-1795286814.0", "pbx-o1-1795286814.0", "x"])
def test_a_leg_tells_its_call(call: str) -> None:
    assert offer_of(offer_leg(call, 12)) == (call, 12)


@pytest.mark.parametrize("leg", ["", "pbx1-1795286814.0", "c-d1", "c-w1795286814000", "c-o", "c-ox", "c-o-1", "c-o²"])
def test_other_channels_tell_none(leg: str) -> None:
    assert offer_of(leg) is None
