"""panoramisk's defects on AMI, A01 to A12: each shown on panoramisk alone, then tried on ours, which must do it right."""

import asyncio

import looptime
from structlog.testing import capture_logs

from callhandler.asterisk.ami import Ami, refused_pause
from callhandler.asterisk.ami_link import AmiConnection
from callhandler.asterisk.ami_session import AmiLink
from callhandler.core.model import OfferEnd
from callhandler.core.observed import ChannelUp, LinkDown, LinkUp, Observation, OfferFailed, TransferSeen
from callhandler.core.ports import OfferLeg
from tests.edge.alone import panoramisk_alone
from tests.edge.fake_asterisk import SECRET, FakeAmi, event, fake_ami, message, parse
from tests.edge.linked import LEG, Watch, linked, up


def any_secret() -> dict[str, object]:
    """Settings of a fake that lets everyone in."""
    return {
        "answers": {
            "Login": lambda fields: message(Response="Success", ActionID=fields["ActionID"]) + event("FullyBooted")
        }
    }


async def test_a01_letters_survive_the_border_between_two_reads() -> None:
    async def halves(fake: FakeAmi, text: bytes) -> None:
        cut = text.index(b"\xc3") + 1
        fake.send(text[:cut])
        await asyncio.sleep(0.05)
        fake.send(text[cut:])

    async with fake_ami(**any_secret()) as fake, panoramisk_alone("A01", fake.port) as alone:
        await alone.until(lambda told: told.get("event") == "FullyBooted")
        await halves(fake, event("Newchannel", CallerIDName="José"))
        assert (await alone.until(lambda told: told.get("event") == "Newchannel"))["name"] == "Jos"
    async with fake_ami() as fake, up(fake) as (_, watch):
        await halves(fake, transfer("José"))
        fake.send(transfer("x").replace(b"Extension: x", b"Extension: Jos\xe9"))
        await watch.until(lambda: watch.count(TransferSeen) == 2)
        assert watch.seen[-2:] == [TransferSeen("a", "c", "José")] * 2


def transfer(to: str) -> bytes:
    return event("BlindTransfer", Result="Success", TransfererUniqueid="a", TransfereeUniqueid="c", Extension=to)


async def test_a02_a_value_is_never_a_second_action() -> None:
    async with fake_ami(**any_secret()) as fake, panoramisk_alone("A02", fake.port):
        await fake.until(lambda: fake.sent("Command"))
        assert fake.sent("Command")[0]["Command"] == "core stop now"
    evil = "x\r\n\r\nAction: Command\r\nCommand: core stop now\r\n\r\n"
    async with fake_ami() as fake, up(fake) as (ami, watch):
        ami.offer(OfferLeg("of-1", "101", "pbx1-1.1", "PJSIP/pstn-1", 15.0, evil, evil))
        ami.offer(OfferLeg("of-2", evil, "pbx1-1.1", "PJSIP/pstn-1", 15.0, "", ""))
        ami.offer(OfferLeg("of-3", "101", evil, "PJSIP/pstn-1", 15.0, "", ""))
        ami.offer(OfferLeg("of-4", "101", "pbx1-1.1", "PJSIP/pstn-1,CH_X=1", 15.0, "", ""))
        ami.hang_up(evil)
        ami.hang_up("/.*/")
        ami.cancel("of-9")
        await fake.until(lambda: fake.sent("Hangup"))
        assert [one["ChannelId"] for one in fake.sent("Originate")] == ["of-1", "of-3"], "a call's id isn't said at all"
        assert [one["Channel"] for one in fake.sent("Hangup")] == ["of-9"]
        assert not fake.sent("Command")
        assert watch.seen[1:] == [OfferFailed(leg, OfferEnd.UNREACHABLE) for leg in ("of-2", "of-4")]


async def test_a03_a_phone_is_never_rung_twice() -> None:
    settings = any_secret()
    settings["answers"] = {**settings["answers"], "Originate": lambda _: None}  # type: ignore[dict-item]  # a dictionary
    async with fake_ami(**settings) as fake, panoramisk_alone("A03", fake.port):
        await fake.until(lambda: fake.sent("Originate"))
        fake.drop()
        await fake.until(lambda: len(fake.sent("Originate")) == 2)
        first, second = fake.sent("Originate")
        assert first["ActionID"] == second["ActionID"]
    async with fake_ami(answers={"Originate": lambda _: None}) as fake, up(fake) as (ami, watch):
        ami.offer(LEG)
        await fake.until(lambda: fake.sent("Originate"))
        fake.drop()
        await watch.until(lambda: watch.count(LinkUp) == 2 and watch.count(OfferFailed))
        assert [type(one) for one in watch.seen] == [LinkUp, LinkDown, LinkUp, OfferFailed]
        assert watch.seen[-1] == OfferFailed("of-1", OfferEnd.LOST)
        await asyncio.sleep(0.1)
        assert len(fake.sent("Originate")) == 1


async def test_a04_a_list_cut_off_is_asked_for_again() -> None:
    def start_only(fields: dict[str, str]) -> bytes:
        return message(Response="Success", ActionID=fields["ActionID"], EventList="start", Message="will follow")

    settings = any_secret()
    settings["answers"] = {**settings["answers"], "Status": start_only}  # type: ignore[dict-item]  # a dictionary
    async with fake_ami(**settings) as fake, panoramisk_alone("A04", fake.port) as alone:
        await fake.until(lambda: fake.sent("Status"))
        await asyncio.sleep(0.05)
        fake.drop()
        told = await alone.until(lambda told: "list_done" in told)
        assert (told["list_done"], told["queued_now"]) == (False, 0), "it waits for ever"
    async with fake_ami(answers={"Status": start_only}) as fake:
        watch = Watch()
        async with linked(fake, watch):
            await fake.until(lambda: fake.sent("Status"))
            await asyncio.sleep(0.02)
            fake.drop()
            await fake.until(lambda: fake.connections == 2)
            del fake.answers["Status"]
            await watch.until(lambda: watch.count(LinkUp))
            assert watch.seen[0] == LinkUp("pbx1", "Asterisk Call Manager/11.0.0", (), ())


async def test_a05_an_offer_while_the_link_is_down_fails_at_once() -> None:
    async with fake_ami(**any_secret()) as fake, panoramisk_alone("A05", fake.port):
        await fake.until(lambda: fake.actions)
        await fake.stop()
        await asyncio.sleep(0.8)
        assert not fake.sent("Originate")
        await fake.start()
        await fake.until(lambda: fake.sent("Originate"))  # seconds later, when nobody wants it any more
    async with fake_ami() as fake, up(fake) as (ami, watch):
        await fake.stop()
        await watch.until(lambda: watch.count(LinkDown))
        ami.offer(LEG)
        assert watch.count(OfferFailed) == 0, "never from within offer()"
        await asyncio.sleep(0)
        assert watch.seen[-1] == OfferFailed("of-1", OfferEnd.LOST)
        await fake.start()
        await watch.until(lambda: watch.count(LinkUp) == 2)
        assert not fake.sent("Originate")


async def test_a06_a_wrong_password_is_said_once_and_not_hammered() -> None:
    async with fake_ami() as fake, panoramisk_alone("A06", fake.port) as alone:
        for _ in range(3):
            await fake.until(lambda: len(fake.sent("Login")) > 0)
            fake.actions.clear()
            await asyncio.sleep(0.05)
            fake.drop()  # as Asterisk does after a failed login
        await alone.rest(0.2)
        assert "refused" not in alone.text.lower(), "nobody is told"
    most = AmiLink("127.0.0.1", 1, "u", "s").refused_retry
    tries = [sum(refused_pause(n, most) for n in range(1, count)) for count in range(1, 20)]
    assert sum(at < 600 for at in tries) < 10, "fail2ban bans at ten failures in ten minutes"
    async with fake_ami() as fake:
        with capture_logs() as logs:
            watch = Watch()
            ami = Ami(AmiLink("127.0.0.1", fake.port, "callhandler", "wrong", refused_retry=0.1), watch)
            async with asyncio.TaskGroup() as group:
                running = group.create_task(ami.run(), name="ami")
                await fake.until(lambda: len(fake.sent("Login")) == 3)
                running.cancel()
        assert watch.seen == []
        assert len([one for one in logs if one["log_level"] == "error"]) == 1


async def test_a07_pings_without_an_answer_mean_that_the_link_is_dead() -> None:
    settings = any_secret()
    settings["answers"] = {**settings["answers"], "Ping": lambda _: None}  # type: ignore[dict-item]  # a dictionary
    async with fake_ami(**settings) as fake, panoramisk_alone("A07", fake.port) as alone:
        await fake.until(lambda: len(fake.sent("Ping")) > 20)
        told = await alone.until(lambda told: isinstance(told.get("pending"), int) and told["pending"] > 8)  # type: ignore[operator]
        assert told["connected"] is True
    async with fake_ami(answers={"Ping": lambda _: None}) as fake, up(fake, ping=0.2) as (_, watch):
        await watch.until(lambda: watch.count(LinkUp) == 2)
        assert LinkDown("two pings were not answered") in watch.seen
        assert len(fake.sent("Ping")) >= 2


def test_a07_a_link_whose_pings_are_answered_lives_however_quiet_it_is() -> None:
    pings: list[bytes] = []

    class Wire(asyncio.Transport):
        """Asterisk at its end says Pong two seconds after each ping."""

        def write(self, data: bytes | bytearray | memoryview) -> None:
            pings.append(bytes(data))
            answer = message(Response="Success", ActionID=parse(pings[-1])["ActionID"], Ping="Pong")
            asyncio.get_running_loop().call_later(2.0, connection.data_received, answer)

        def abort(self) -> None:
            pass

    async def quiet() -> None:
        nonlocal connection
        connection = AmiConnection(lambda name, text: None)
        connection.connection_made(Wire())
        watching = asyncio.get_running_loop().create_task(connection.watch(10.0))
        await asyncio.sleep(100.0)
        assert not connection.lost.done()
        connection.close("done")
        assert await watching == "done"

    connection: AmiConnection
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(quiet())
    assert len(pings) == 8


async def test_a08_closed_is_closed_also_during_an_outage() -> None:
    async with fake_ami(**any_secret()) as fake, panoramisk_alone("A08", fake.port) as alone:
        await fake.until(lambda: fake.actions)
        await fake.stop()
        await alone.until(lambda told: told.get("closed"))
        before = fake.connections
        await fake.start()
        await fake.until(lambda: fake.connections > before)
    async with fake_ami() as fake:
        async with up(fake) as (_, watch):
            await fake.stop()
            await watch.until(lambda: watch.count(LinkDown))
        before = fake.connections
        await fake.start()
        await asyncio.sleep(0.3)
        assert fake.connections == before


async def test_a09_a_callback_that_fails_cuts_nothing() -> None:
    burst = event("First") + event("Second") + event("Third")
    async with fake_ami(**any_secret()) as fake, panoramisk_alone("A09", fake.port) as alone:
        await alone.until(lambda told: told.get("event") == "FullyBooted")
        await asyncio.sleep(0.05)
        fake.send(burst)
        await alone.rest(0.5)
        assert not [told for told in alone.told if told.get("event") == "Third"]
    seen: list[Observation] = []

    def observe(observation: Observation) -> None:
        seen.append(observation)
        if isinstance(observation, ChannelUp):
            raise RuntimeError("a mistake in a callback")

    async with fake_ami() as fake, linked(fake, observe):
        await fake.until(lambda: seen)
        with capture_logs() as logs:
            fake.send(b"".join(event("Newstate", Uniqueid=f"u{n}", ChannelState=6) for n in range(3)))
            await fake.until(lambda: len(seen) == 4)
        assert fake.connections == 1
        assert len([one for one in logs if one["log_level"] == "error"]) == 3


async def test_a10_calls_of_the_same_second_are_several() -> None:
    async with panoramisk_alone("A10", 0) as alone:
        assert (await alone.until(lambda told: "calls" in told))["calls"] == 1
    async with fake_ami() as fake, up(fake) as (_, watch):
        fake.send(b"".join(event("Newstate", Uniqueid=f"pbx1-1795286814.{n}", ChannelState=6) for n in range(3)))
        await watch.until(lambda: watch.count(ChannelUp) == 3)
        assert len(set(watch.seen[1:])) == 3


async def test_a11_a_user_without_read_system_gets_going_too() -> None:
    login = {"Login": lambda fields: message(Response="Success", ActionID=fields["ActionID"])}
    async with fake_ami(answers=login) as fake, panoramisk_alone("A11", fake.port) as alone:
        await fake.until(lambda: fake.actions)
        await fake.stop()
        await alone.until(lambda told: told.get("queued") == 1)
        before = fake.connections
        await fake.start()
        await fake.until(lambda: fake.connections > before and fake.sent("Login"))
        alone.told.clear()
        await alone.until(lambda told: "queued" in told)
        await alone.rest(0.5)
        assert {told["queued"] for told in alone.told if "queued" in told} == {1}, "stuck for ever"
        assert not fake.sent("Originate")
    async with fake_ami(booted=False) as fake, up(fake) as (ami, _):
        ami.offer(LEG)
        await fake.until(lambda: fake.sent("Originate"))


async def test_a12_no_secret_reaches_the_log() -> None:
    settings = any_secret()
    settings["answers"] = {**settings["answers"], "Setvar": lambda _: None}  # type: ignore[dict-item]  # a dictionary
    async with fake_ami(**settings) as fake, panoramisk_alone("A12", fake.port) as alone:
        await fake.until(lambda: fake.sent("Setvar"))
        fake.drop()
        await alone.until(lambda _: "top-secret-value" in alone.text)
    with capture_logs() as logs:
        async with fake_ami(answers={"Originate": lambda _: None, "Ping": lambda _: None}) as fake:
            async with up(fake, ping=0.1) as (ami, watch):
                ami.offer(LEG)
                await watch.until(lambda: watch.count(LinkUp) == 2)
                fake.send(event("Newstate", Uniqueid="u", ChannelState="six") + b"nonsense\r\n\r\n")
                fake.drop()
                await watch.until(lambda: watch.count(LinkUp) == 3)
            fake.answers["Login"] = lambda fields: message(Response="Error", ActionID=fields["ActionID"], Message="no")
            async with linked(fake, Watch(), refused_retry=0.05):
                await fake.until(lambda: len(fake.sent("Login")) > 3)
    assert logs
    assert SECRET not in str(logs)
    assert SECRET not in repr(AmiLink("h", 1, "u", SECRET))
