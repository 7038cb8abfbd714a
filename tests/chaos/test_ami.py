"""The link to Asterisk, cut, stuck, flooded and answered by another version: nobody is rung twice, and in the end we know what is so."""

import asyncio
import random
from pathlib import Path

from callhandler.asterisk.ami import Ami
from callhandler.control.client import Client
from callhandler.core.observed import Bridged, ChannelEnded, ChannelUp, LinkDown, LinkUp, OfferFailed
from callhandler.core.ports import OfferLeg
from tests.edge.fake_asterisk import Answer, FakeAmi, Fields, event, fake_ami, message
from tests.edge.linked import Watch, linked, up
from tests.edge.waiting import until
from tests.edge.whole import ask, caller, running, waiting

from .chance import LONG, SEED, heartbeat

OFFERS = 400 if LONG else 25
BURST = 100_000
MOST_STALL = 0.25
"""Seconds of its own work for which the loop may stand still in a burst."""


class Cutting(FakeAmi):
    """An Asterisk whose link is cut somewhere between an Originate and its answer; some phones ring all the same."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self.answers["Originate"] = self.originate

    def originate(self, fields: Fields) -> bytes | None:
        """Ring or not, answer or not, cut or not."""
        leg = fields["ChannelId"]
        rings, cuts = self.chance.random() < 0.5, self.chance.random() < 0.6
        said = message(Response="Success", ActionID=fields["ActionID"], Message="Originate successfully queued")
        if rings:
            said += event("Newchannel", Uniqueid=leg, ChannelState=0) + event("Newstate", Uniqueid=leg, ChannelState=5)
            self.channels.append(
                {"Channel": f"PJSIP/x-{leg}", "ChannelState": "5", "Context": "callhandler-offer", "Uniqueid": leg}
            )
        else:
            said += event("OriginateResponse", Uniqueid=leg, Response="Failure", Reason=0)
        if not cuts:
            return said
        part = said[: self.chance.choice((0, 0, self.chance.randrange(len(said))))]
        self.send(part)
        asyncio.get_running_loop().call_later(self.chance.choice((0.0, 0.002)), self.drop)
        return None


async def test_cut_between_action_and_response_no_phone_is_rung_twice_and_each_offer_ends_once() -> None:
    chance = random.Random(SEED)
    fake = Cutting(chance)
    await fake.start()
    async with up(fake, slowest_retry=0.02) as (ami, watch):
        for number in range(OFFERS):
            leg = f"of-{number}"
            await until(lambda: ami._up)
            ami.offer(OfferLeg(leg, "101", "pbx1-1.1", "PJSIP/pstn-1", 15.0, "", ""))
            await until(lambda leg=leg: told_of_end(fake, ami, watch, leg))
    rung = [one["ChannelId"] for one in fake.sent("Originate")]
    assert sorted(rung) == sorted(set(rung)), "never twice"
    ends = [one.leg for one in watch.seen if isinstance(one, OfferFailed)]
    ends += [one.channel for one in watch.seen if isinstance(one, ChannelEnded)]
    assert sorted(ends) == sorted(f"of-{number}" for number in range(OFFERS)), "each ends, once"
    await fake.stop()


def told_of_end(fake: FakeAmi, ami: Ami, watch: Watch, leg: str) -> bool:
    """Whatever rings does so no longer, which is told once the link is up; whether the leg's end was observed."""
    if ami._up:
        for row in list(fake.channels):
            fake.channels.remove(row)
            fake.send(event("Hangup", Uniqueid=row["Uniqueid"], Cause=19, Context="callhandler-offer"))
    return any(isinstance(one, OfferFailed) and one.leg == leg for one in watch.seen)


async def test_stuck_at_any_action_the_link_is_given_up_and_made_anew() -> None:
    chance = random.Random(SEED)
    actions = ["Login", "Getvar", "CoreSettings", "Status", "DeviceStateList", "Ping"]
    for action in actions * (5 if LONG else 1):
        async with fake_ami() as fake:
            fake.answers[action] = lambda _: None
            watch = Watch()
            async with linked(fake, watch, ping=0.1, deadline=0.1, slowest_retry=0.02):
                await fake.until(lambda fake=fake: fake.connections >= 2)
                await asyncio.sleep(chance.uniform(0, 0.05))
                del fake.answers[action]
                await watch.until(lambda watch=watch: watch.seen and isinstance(watch.seen[-1], LinkUp))
        assert watch.count(LinkUp) - watch.count(LinkDown) <= 1


async def test_a_hundred_thousand_events_in_a_burst() -> None:
    text = b"".join(
        event("Newstate", Uniqueid=f"u{number}", ChannelState=6)
        if number % 10 == 0
        else event("VarSet", Channel=f"PJSIP/x-{number}", Variable="X", Value="y" * 50, Uniqueid=f"u{number}")
        for number in range(BURST)
    )
    async with fake_ami() as fake, up(fake) as (_, watch):
        async with heartbeat() as heart:
            fake.send(text)
            await until(lambda: watch.count(ChannelUp) == BURST // 10, 120)
        assert watch.seen[1:] == [ChannelUp(f"u{number}") for number in range(0, BURST, 10)], "whole, and in order"
        assert watch.count(LinkDown) == 0
    assert heart.worst < MOST_STALL, heart.worst


async def test_a_reader_who_is_too_slow_is_cut_off_and_knows_in_the_end_what_is_so() -> None:
    async with fake_ami() as fake, up(fake, slowest_retry=0.02) as (_, watch):
        for number in range(3):
            for leg in range(2_000):
                fake.send(event("Newstate", Uniqueid=f"u{leg}", ChannelState=6, Filler="x" * 500))
            fake.channels = [
                {"Channel": f"PJSIP/x-{n}", "ChannelState": "6", "Uniqueid": f"c{number}-{n}", "BridgeID": "b"}
                for n in range(2)
            ]
            fake.drop()  # as Asterisk does with whoever doesn't read within writetimeout
            await watch.until(lambda number=number: watch.count(LinkUp) == number + 2)
            last = [one for one in watch.seen if isinstance(one, LinkUp)][-1]
            assert [one.channel for one in last.channels] == [f"c{number}-0", f"c{number}-1"]
            assert not any(isinstance(one, Bridged) for one in watch.seen)


async def test_another_asterisk_answers_after_a_restart(site: Path, asterisk: FakeAmi) -> None:
    """Asterisk is upgraded under us: the next link says another version, and all goes on."""
    old = {"CoreSettings": settings("20.9.3"), "Status": who_waits()}
    asterisk.answers.update(old)
    async with running(site) as daemon, caller(site) as told:
        await waiting(daemon)
        assert (await ask(site, Client.status)).asterisk_version == "20.9.3"
        for version in ("22.10.1", "23.1.0", "18.10.0"):
            asterisk.banner = b"Asterisk Call Manager/99.0.0\r\n"
            asterisk.answers["CoreSettings"] = settings(version)
            asterisk.drop()
            await until(lambda: daemon.switchboard.link is None)
            await until(lambda: daemon.switchboard.link is not None)
            assert (await ask(site, Client.status)).asterisk_version == version
            assert (await ask(site, Client.status)).counts.waiting == 1, "who waits keeps the place"
        assert told[-1].startswith(b"WAIT FOR DIGIT")


async def test_a_restart_that_takes_its_callers_along_is_written_down(site: Path, asterisk: FakeAmi) -> None:
    asterisk.answers["Status"] = who_waits()
    async with running(site) as daemon:
        async with caller(site):
            await waiting(daemon)
            await asterisk.stop()
            await until(lambda: daemon.switchboard.link is None)
        await asterisk.start()
        asterisk.answers.pop("Status")
        await until(lambda: daemon.switchboard.link is not None)
        await until(lambda: not daemon.switchboard.calls.here)
        assert not daemon.switchboard.line.books.calls, "and nobody haunts the line"


def settings(version: str) -> Answer:
    """What CoreSettings says of a version."""
    return lambda fields: message(Response="Success", ActionID=fields["ActionID"], AsteriskVersion=version)


def who_waits() -> Answer:
    """Status that has the caller of `whole.caller` in it."""
    row = {
        "Channel": "PJSIP/pstn-00000001",
        "ChannelState": "6",
        "Context": "callhandler-entry",
        "Uniqueid": "pbx1-1.1",
    }

    def answer(fields: Fields) -> bytes:
        same = {"ActionID": fields["ActionID"]}
        start = message(Response="Success", **same, EventList="start", Message="Channel status will follow")
        return (
            start
            + message(Event="Status", **row, **same)
            + message(Event="StatusComplete", **same, EventList="Complete")
        )

    return answer
