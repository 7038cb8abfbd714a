"""A hang-up that Asterisk forgets is repeated; one that it doesn't forget is not."""

import asyncio

import pytest

from callhandler.asterisk import leaving
from callhandler.core.observed import LinkUp
from tests.edge.fake_asterisk import event, fake_ami
from tests.edge.linked import up
from tests.edge.waiting import until


async def test_whoever_hung_up_and_is_still_there_is_hung_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "GONE_WITHIN", 0.05)
    async with fake_ami() as fake, up(fake):
        fake.send(event("HangupRequest", Uniqueid="gone", Cause=16) + event("Hangup", Uniqueid="gone", Cause=16))
        fake.send(event("HangupRequest", Uniqueid="call-w1;2", Cause=16))  # a word to a caller on hold
        fake.send(event("HangupRequest", Uniqueid="forgotten", Cause=16) * 2)
        await fake.until(lambda: fake.sent("Hangup"))
        await asyncio.sleep(0.1)
        assert [one["Channel"] for one in fake.sent("Hangup")] == ["forgotten"]


async def test_after_a_gap_nobody_is_hung_up_for_what_was_seen_before() -> None:
    async with fake_ami() as fake, up(fake) as (ami, watch):
        fake.send(event("HangupRequest", Uniqueid="u", Cause=16))
        await until(lambda: ami._leaving._timers)
        fake.drop()
        await watch.until(lambda: watch.count(LinkUp) == 2)
        await asyncio.sleep(leaving.GONE_WITHIN + 0.1)
        assert fake.sent("Hangup") == []
