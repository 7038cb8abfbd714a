"""The AMI link as ladders: what Asterisk says, what is observed and what is sent."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from callhandler.asterisk.ami_session import RECEIVE_BUFFER, open_connection
from callhandler.core.model import Device, OfferEnd
from callhandler.core.observed import (
    ChannelEnded,
    ChannelUp,
    LinkDown,
    LinkUp,
    LiveChannel,
    OfferFailed,
    PhoneSeen,
)
from callhandler.core.ports import OfferLeg
from tests.edge.fake_asterisk import FakeAmi, Fields, event, fake_ami, message
from tests.edge.linked import LEG, Watch, linked, up


def channel(uniqueid: str, state: str = "6", bridge: str = "") -> Fields:
    return {
        "Channel": f"PJSIP/x-{uniqueid}",
        "ChannelState": state,
        "Context": "callhandler-entry",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        "BridgeID": bridge,
    }


async def test_what_is_there_comes_first_then_what_happened_meanwhile_then_live() -> None:
    fake = FakeAmi(channels=[channel("a", bridge="b")], devices={"PJSIP/101": "INUSE", "Custom:x": "INUSE"})

    def meanwhile(_: Fields) -> None:
        status = fake._answer("Status", fake.actions[-1])
        fake.send(
            event("Newstate", Uniqueid="early", ChannelState=6) + status + event("Hangup", Uniqueid="early", Cause=16)
        )

    fake.answers["Status"] = meanwhile
    await fake.start()
    async with up(fake) as (_, watch):
        fake.send(event("Newstate", Uniqueid="live", ChannelState=6))
        await watch.until(lambda: ChannelUp("live") in watch.seen)
        assert watch.seen == [
            LinkUp(
                "pbx1",
                "Asterisk Call Manager/11.0.0",
                (LiveChannel("a", "PJSIP/x-a", "b", "callhandler-entry", "a", phone="x"),),
                (PhoneSeen("101", Device.IN_USE),),
            ),
            ChannelUp("early"),
            ChannelEnded("early", 16, ""),
            ChannelUp("live"),
        ]
    await fake.stop()


async def test_an_offer_says_all_that_the_dialplan_needs() -> None:
    async with fake_ami() as fake, up(fake) as (ami, _):
        ami.offer(LEG)
        await fake.until(lambda: fake.sent("Originate"))
        said = fake.raw[fake.raw.index(b"Action: Originate") :].decode().split("\r\n")
        lock = said.pop(said.index("Variable: CH_CALLER=PJSIP/pstn-00000001") - 1)
        assert lock.startswith("Variable: CH_LOCK=call-")
        assert said == [
            "Action: Originate",
            fake.sent("Originate")[0]["ActionID"].join(["ActionID: ", ""]),
            "Channel: PJSIP/101",
            "Context: callhandler-offer",
            "Exten: s",
            "Priority: 1",
            "Async: true",
            "ChannelId: of-1",
            "Timeout: 15000",
            'CallerID: "Sales: Jo" <+4930>',
            "Variable: CH_CALLER=PJSIP/pstn-00000001",
            "",
            "",
        ]


async def test_an_offer_asterisk_refuses_fails() -> None:
    def refuse(fields: Fields) -> bytes:
        return message(Response="Error", ActionID=fields["ActionID"], Message="Originate Access Forbidden")

    async with fake_ami(answers={"Originate": refuse}) as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        await watch.until(lambda: watch.count(OfferFailed))
        fake.send(event("OriginateResponse", Uniqueid="of-1", Response="Failure", Reason=0))
        ami.cancel("of-1")
        await fake.until(lambda: fake.sent("Hangup"))
        assert watch.seen[1:] == [OfferFailed("of-1", OfferEnd.UNREACHABLE)]


async def test_a_leg_cancelled_before_its_channel_is_there_is_hung_up_when_it_comes() -> None:
    async with fake_ami() as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        ami.cancel("of-1")
        ami.cancel("of-1")
        await fake.until(lambda: len(fake.sent("Hangup")) == 2)
        fake.send(event("Newchannel", Uniqueid="of-1", ChannelState=0))
        await fake.until(lambda: len(fake.sent("Hangup")) == 3)
        fake.send(event("Hangup", Uniqueid="of-1", Cause=0) + event("Newchannel", Uniqueid="of-1", ChannelState=0))
        await watch.until(lambda: watch.count(ChannelEnded))
        assert [one["Channel"] for one in fake.sent("Hangup")] == ["of-1"] * 3
        assert watch.seen[1:] == [ChannelEnded("of-1", 0, "")]


async def test_a_leg_that_still_rings_after_a_lost_link_goes_on() -> None:
    async with fake_ami() as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        await fake.until(lambda: fake.sent("Originate"))
        fake.channels.append(channel("of-1", state="5"))
        fake.drop()
        await watch.until(lambda: watch.count(LinkUp) == 2)
        fake.send(event("Hangup", Uniqueid="of-1", Cause=17))
        await watch.until(lambda: watch.count(OfferFailed))
        assert watch.seen[-1] == OfferFailed("of-1", OfferEnd.REFUSED)
        assert len(fake.sent("Originate")) == 1


async def test_a_leg_cancelled_during_an_outage_is_hung_up_when_the_link_is_back() -> None:
    async with fake_ami() as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        await fake.until(lambda: fake.sent("Originate"))
        fake.channels += [channel("of-1", state="5"), channel("caller")]
        await fake.stop()
        await watch.until(lambda: watch.count(LinkDown))
        ami.cancel("of-1")
        ami.hang_up("caller")
        await fake.start()
        await fake.until(lambda: len(fake.sent("Hangup")) == 2)
        assert [one["Channel"] for one in fake.sent("Hangup")] == ["of-1", "caller"]


async def test_a_lost_leg_that_comes_up_late_is_not_left_ringing() -> None:
    async with fake_ami(answers={"Originate": lambda _: None}) as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        await fake.until(lambda: fake.sent("Originate"))
        fake.drop()
        await watch.until(lambda: watch.count(OfferFailed))
        fake.send(event("Newchannel", Uniqueid="of-1", ChannelState=0))
        await fake.until(lambda: fake.sent("Hangup"))
        assert fake.sent("Hangup")[0]["Channel"] == "of-1"


async def test_a_leg_that_nothing_is_heard_of_is_given_up() -> None:
    short = OfferLeg("of-1", "101", "pbx1-1.1", "PJSIP/pstn-1", 0.1, "", "")
    async with fake_ami(answers={"Originate": lambda _: None}) as fake, up(fake, overdue=0.1) as (ami, watch):
        ami.offer(short)
        await watch.until(lambda: watch.count(OfferFailed))
        assert watch.seen[1:] == [OfferFailed("of-1", OfferEnd.LOST)]
        await fake.until(lambda: fake.sent("Hangup"))


async def test_the_link_comes_back_quickly_and_what_it_says_is_asked_anew() -> None:
    async with fake_ami() as fake, up(fake) as (_, watch):
        for count in range(2, 5):
            fake.channels = [channel(f"c{count}")]
            fake.drop()
            await watch.until(lambda count=count: watch.count(LinkUp) == count)
            last = watch.seen[-1]
            assert isinstance(last, LinkUp)
            assert [one.channel for one in last.channels] == [f"c{count}"]
        assert watch.count(LinkDown) == 3


async def test_what_is_no_ami_is_not_talked_to() -> None:
    async with fake_ami(banner=b"SSH-2.0-OpenSSH\r\n") as fake:
        watch = Watch()
        async with linked(fake, watch):
            await fake.until(lambda: fake.connections >= 3)
        assert watch.seen == []
        assert fake.actions == []


async def test_a_flood_is_taken_whole_and_in_order() -> None:
    async with fake_ami() as fake, up(fake) as (_, watch):
        fake.send(b"".join(event("Newstate", Uniqueid=f"u{n}", ChannelState=6) for n in range(5_000)))
        await watch.until(lambda: watch.count(ChannelUp) == 5_000)
        assert watch.seen[1:] == [ChannelUp(f"u{n}") for n in range(5_000)]


async def test_the_receive_buffer_is_as_large_as_the_system_lets_it() -> None:
    async with fake_ami() as fake:
        connection = await open_connection("127.0.0.1", fake.port, lambda name, text: None)
        assert connection._transport is not None
        sock = connection._transport.get_extra_info("socket")
        got = sock.getsockopt(1, 8)  # SOL_SOCKET, SO_RCVBUF: Linux says double what was asked for
        assert got >= min(RECEIVE_BUFFER, 212_992)
        connection.close("done")
        await asyncio.sleep(0)


async def test_a_call_that_another_daemon_rings_a_phone_for_keeps_its_lock() -> None:
    rung = {**channel("c-o1", state="5"), "Variable": "CH_LOCK=call-0123abcd-7"}
    async with fake_ami(channels=[rung, {**channel("c"), "Variable": "CH_LOCK="}]) as fake, up(fake) as (ami, _):
        ami.offer(OfferLeg("c-o2", "101", "c", "PJSIP/pstn-00000001", 15.0, "Sales: Jo", "+4930"))
        await fake.until(lambda: fake.sent("Originate"))
        assert b"Variable: CH_LOCK=call-0123abcd-7\r\n" in fake.raw
        assert fake.sent("Status")[0]["Variables"] == "CH_LOCK"


LOOPS = pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])


def run(loop: Callable[[], asyncio.AbstractEventLoop], what: Coroutine[object, object, None]) -> None:
    """Run to the end on a loop of a kind, and see that nothing went wrong in what it calls."""
    failures: list[object] = []
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: failures.append(context))
        runner.run(what)
    assert failures == []


@LOOPS
def test_what_is_ordered_in_the_moment_that_the_link_is_lost_breaks_nobody(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """The connection knows first that it is over; until its owner does, whoever orders something must not fail."""

    async def lost() -> None:
        ordered = 0

        def order(_: object) -> None:
            nonlocal ordered
            ami.send_to_line("pbx1-1.1")
            ami.offer(LEG)
            ami.hang_up("pbx1-1.2")
            ordered += 1

        async with fake_ami() as fake, up(fake) as (ami, watch):
            assert ami._connection is not None
            ami._connection.lost.add_done_callback(order)
            fake.drop()
            await watch.until(lambda: watch.count(LinkUp) == 2)
            assert ordered == 1
            assert watch.seen.count(OfferFailed("of-1", OfferEnd.LOST)) == 1

    run(loop, lost())


@LOOPS
def test_a_link_that_is_lost_while_asterisk_starts_is_made_again(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """While it is waited for FullyBooted nobody is asked anything; the next question is one to a connection that is gone."""

    async def lost() -> None:
        def login(asked: Fields) -> bytes | None:
            del fake.answers["Login"]
            fake.send(fake._answer("Login", asked))
            fake.writers.pop().close()
            return None

        async with fake_ami(booted=False, answers={"Login": login}) as fake, up(fake, deadline=60.0):
            assert fake.connections == 2

    run(loop, lost())
