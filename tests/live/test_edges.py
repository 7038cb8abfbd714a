"""The AMI and AGI edges against a real Asterisk: what phones answer, what keys and cuts do, and that no value becomes an order.

No daemon runs: a script of the test's own takes the calls. The phones are tests/live/sip_text.py, which say any bytes they are told to.
"""

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from callhandler.asterisk import agi_key, quoting
from callhandler.asterisk.agi import AgiServer
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.ami import Ami
from callhandler.asterisk.ami_session import AmiLink
from callhandler.asterisk.caller import AgiCaller
from callhandler.asterisk.pbx.get import ensure_asterisk
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.asterisk.pbx.telling import Silent
from callhandler.core.model import OfferEnd
from callhandler.core.observed import Bridged, ChannelEnded, ChannelUp, LinkDown, LinkUp, OfferFailed, PhoneSeen
from callhandler.core.ports import OfferLeg
from callhandler.errors import CallerGone
from callhandler.scripts.caller import Clock, Digits, Letters, Number, Prompt, Sound
from callhandler.site.new import init
from tests.edge.linked import Watch
from tests.edge.waiting import until
from tests.live.sip_text import Ear, Plan, TextPhone, ear, header, text_phone
from tests.ports import free_base

pytestmark = pytest.mark.live
RINGS = b"180 Ringing"
STATIC_PHONE = """
[900]
type = endpoint
context = callhandler-phones
disallow = all
allow = ulaw
direct_media = no
aors = 900
[900]
type = aor
contact = sip:900@127.0.0.1:PORT
"""
Script = Callable[[AgiSession, AgiCaller], Awaitable[object]]


@dataclass
class Lab:
    """A private Asterisk with our edges attached, a phone 900 and a caller on the trunk, which are the same text phone."""

    address: tuple[str, int]
    asterisk: AsteriskProcess
    music: list[Path]
    ami: Ami
    watch: Watch
    phone: TextPhone
    ear: Ear
    script: Script
    results: list[object]

    async def call(self, script: Script, name: bytes = b"Jo", user: bytes = b"+4930123") -> object:
        """Call 5000 and return what the script returned, or raise what it raised."""
        self.script = script
        self.results.clear()
        self.call_id = self.phone.invite(b"5000", name, user, self.address)
        await until(lambda: self.results, 60)
        if isinstance(self.results[0], BaseException):
            raise self.results[0]
        return self.results[0]

    def hang_up(self) -> None:
        """The caller hangs up."""
        self.phone.hang_up(self.call_id, self.address)

    async def offer(
        self, phone: str, caller: str = "PJSIP/none-1", ring: float = 1.0, call: str = "c-1", name: str = "Sales: Jo"
    ) -> str:
        """Ring a phone; returns the leg."""
        leg = f"of-{next(LEGS)}"
        self.ami.offer(OfferLeg(leg, phone, call, caller, ring, name, "+4930"))
        return leg

    async def end_of(self, leg: str) -> list[object]:
        """What was observed of a leg until it was over."""
        mine: list[object] = []

        def over() -> bool:
            mine[:] = [one for one in self.watch.seen if leg in (getattr(one, "leg", ""), getattr(one, "channel", ""))]
            return any(isinstance(one, OfferFailed | ChannelEnded) for one in mine)

        await until(over, 60)
        return mine


LEGS = itertools.count(1)


def music_files(etc: Path) -> list[Path]:
    """The music as the phones' codec gets it."""
    folders = re.findall(r"(?m)^directory *=>? *(.+)$", (etc / "musiconhold.conf").read_text())
    return [file for folder in folders for file in Path(folder).glob("*.ulaw")]


@contextlib.asynccontextmanager
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    """Everything started, and stopped again."""
    base = free_base()
    loaded = init(tmp_path / "site", base).loaded
    own = loaded.directory / "asterisk"
    own.mkdir()
    (own / "pjsip.conf").write_text(STATIC_PHONE.replace("PORT", str(base + 50)))
    program = ensure_asterisk(None, Silent())
    asterisk = AsteriskProcess(loaded, program)
    place, watch = loaded.site.asterisk, Watch()
    link = AmiLink(place.ami_host, place.ami_port, place.ami_user, place.ami_secret.get_secret_value(), ping=0.5)
    ami = Ami(link, watch)
    phone, listening = await text_phone(base + 50), await ear(base + 60)
    phone.rtp = base + 60

    async def handle(session: AgiSession) -> None:
        caller = AgiCaller(session, lambda prompt, _: prompt, "en", "Europe/Berlin")
        try:
            room.results.append(await room.script(session, caller))
        except BaseException as error:
            room.results.append(error)
            raise

    await asterisk.start()
    for module in ("func_shell.so", "app_system.so"):  # so that an order that got through would be carried out
        await asterisk.ask(f"module load {module}")
    room = Lab(
        ("127.0.0.1", base),
        asterisk,
        music_files(layout(loaded.directory)["etc"]),
        ami,
        watch,
        phone,
        listening,
        lambda *_: asyncio.sleep(0),
        [],
    )
    server = AgiServer(place.agi_host, place.agi_port, agi_key.key_of(place.ami_secret.get_secret_value()), handle)
    await server.start()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ami.run(), name="ami")
        try:
            await until(lambda: watch.count(LinkUp))
            yield room
        finally:
            running.cancel()
            await server.close()
            for transport in (phone.transport, listening.transport):
                if transport is not None:
                    transport.close()
            await asterisk.stop()


ANSWERS = [
    ((b"486 Busy Here",), OfferEnd.BUSY),
    ((RINGS, b"486 Busy Here"), OfferEnd.REFUSED),
    ((RINGS, b"603 Decline"), OfferEnd.REFUSED),
    ((b"404 Not Found",), OfferEnd.UNREACHABLE),
    ((b"480 Temporarily Unavailable",), OfferEnd.UNREACHABLE),
    ((RINGS, b"480 Temporarily Unavailable"), OfferEnd.NO_ANSWER),
    ((b"503 Service Unavailable",), OfferEnd.UNREACHABLE),
    ((RINGS,), OfferEnd.NO_ANSWER),
    ((b"100 Trying",), OfferEnd.UNREACHABLE),
]


async def test_what_phones_answer_is_how_offers_end(tmp_path: Path) -> None:
    async with lab(tmp_path) as room:
        for replies, end in ANSWERS:
            room.phone.plan = Plan(replies)
            leg = await room.offer("900")
            assert await room.end_of(leg) == [OfferFailed(leg, end)], replies
        for phone in ("101", "999"):  # not registered, not there
            leg = await room.offer(phone)
            assert await room.end_of(leg) == [OfferFailed(leg, OfferEnd.UNREACHABLE)]
        room.phone.plan, room.phone.seen[:] = Plan((RINGS,)), []
        leg = await room.offer("900", ring=20)
        await until(lambda: any(isinstance(one, PhoneSeen) and one.device == "ringing" for one in room.watch.seen[-2:]))
        room.ami.cancel(leg)
        room.ami.cancel(leg)
        assert [type(one) for one in await room.end_of(leg)] == [ChannelEnded]
        await until(lambda: any(packet.startswith(b"CANCEL") for packet in room.phone.seen))
        leg = await room.offer("900", ring=20)
        room.ami.cancel(leg)
        ends = [type(one) for one in await room.end_of(leg)]
        # The Originate's failure can be told before the channel, whose own end follows then.
        assert ends in ([ChannelEnded], [OfferFailed], [OfferFailed, ChannelEnded])


async def test_another_daemon_rings_for_the_same_call_under_the_same_lock(tmp_path: Path) -> None:
    async with lab(tmp_path) as room, asyncio.TaskGroup() as group:
        room.phone.plan = Plan((RINGS,))
        watch = Watch()
        after = Ami(room.ami._link, watch)
        legs = ["c-o1", "c-o2"]
        room.ami.offer(OfferLeg(legs[0], "900", "c", "PJSIP/none-1", 20.0, "Sales: Jo", "+4930"))
        await until(lambda: any(isinstance(one, PhoneSeen) and one.device == "ringing" for one in room.watch.seen))
        running = group.create_task(after.run(), name="another daemon's AMI")
        await until(lambda: watch.count(LinkUp))
        after.offer(OfferLeg(legs[1], "900", "c", "PJSIP/none-1", 20.0, "Sales: Jo", "+4930"))
        await until(lambda: sum(packet.startswith(b"INVITE") for packet in room.phone.seen) >= 2)
        (up,) = [one for one in watch.seen if isinstance(one, LinkUp)]
        assert [one.channel for one in up.channels] == legs[:1]
        names = [line.partition("!")[0] for line in (await room.asterisk.ask("core show channels concise")).split("\n")]
        told = [await room.asterisk.ask(f"core show channel {name}") for name in names if name]
        locks = [found for one in told for found in re.findall(r"(?m)^CH_LOCK=(\S+)", one)]
        running.cancel()
    assert len(locks) == 2
    assert len(set(locks)) == 1


async def test_keys_cuts_and_music_are_what_they_should_be(tmp_path: Path) -> None:
    async with lab(tmp_path) as room:
        later = asyncio.get_running_loop().call_later
        marks: list[int] = []

        async def script(_: AgiSession, caller: AgiCaller) -> list[object]:
            await caller.answer()
            await caller.music("default")
            await asyncio.sleep(1.5)
            marks.append(len(room.ear.heard))
            said = [await caller.say(Sound("vm-goodbye"))]
            marks.append(len(room.ear.heard))
            later(0.3, room.ear.press, "5")
            said.append(await caller.key(3))
            later(0.3, room.ear.press, "5")
            said.append(await caller.key(1.5, "123"))
            later(0.3, room.ear.press, "1")  # the key 1 is not the cut's 1
            said.append(await caller.key(3))
            later(0.2, room.ear.press, "7")
            said.append(await caller.say(Sound("vm-goodbye"), Sound("vm-goodbye"), keys="7"))
            for verb in (
                caller.key(9),
                caller.say(*[Sound("vm-goodbye")] * 5),
                caller.say(Digits("0123456789")),
                caller.say(Letters("abcdefgh")),
            ):
                later(0.2, caller.cut)
                began = asyncio.get_running_loop().time()
                said.append(await verb)
                assert asyncio.get_running_loop().time() - began < 3.0, "each lasts for longer unless it is cut"
            for number, key in enumerate("12#"):
                later(0.3 + 0.4 * number, room.ear.press, key)
            said.append(await caller.digits(Sound("vm-goodbye"), most=5, seconds=2))
            said.append(await caller.say(Prompt("/no/such/file"), Number(7), Clock(0)))
            return said

        assert await room.call(script) == [None, "5", None, "1", "7", None, None, None, None, "12", None]
        heard = bytes(room.ear.heard)
        files = [path.read_bytes() for path in room.music]
        before, after = heard[marks[0] - 4_000 : marks[0] - 3_200], heard[marks[1] + 1_600 : marks[1] + 2_400]
        places = [(text.find(before), text.find(after)) for text in files if before in text]
        assert len(places) == 1, "music is heard before the prompt"
        # 3,200 samples before the mark and 1,600 after the other: 4,000 + 1,600 further on if it goes on where it was
        assert abs(places[0][1] - places[0][0] - 5_600) < 1_600, "and goes on from where it was"


async def test_joined_with_an_agent_the_session_ends_and_the_call_does_not(tmp_path: Path) -> None:
    async with lab(tmp_path) as room:
        room.phone.plan = Plan((RINGS, b"200 OK"))
        legs: list[str] = []

        async def script(session: AgiSession, caller: AgiCaller) -> str:
            await caller.answer()
            await caller.music("default")
            legs.append(await room.offer("900", caller=session.env.channel, call=session.env.uniqueid))
            legs.append(session.env.uniqueid)
            with pytest.raises(CallerGone):
                await caller.key(10)
            return session.env.uniqueid

        call = await room.call(script)
        together = frozenset(legs)
        await until(lambda: any(isinstance(one, Bridged) and one.channels == together for one in room.watch.seen))
        assert call not in [one.channel for one in room.watch.seen if isinstance(one, ChannelEnded)]
        assert ChannelUp(legs[0]) in room.watch.seen
        room.hang_up()
        for channel in legs:
            assert isinstance((await room.end_of(channel))[-1], ChannelEnded)


async def test_a_caller_who_hangs_up_is_gone_at_once(tmp_path: Path) -> None:
    async with lab(tmp_path) as room:

        async def script(_: AgiSession, caller: AgiCaller) -> None:
            await caller.answer()
            asyncio.get_running_loop().call_later(0.3, room.hang_up)
            await caller.say(Sound("vm-goodbye"), Sound("vm-goodbye"), Sound("vm-goodbye"))

        with pytest.raises(CallerGone):
            await room.call(script)
        await until(lambda: room.watch.count(ChannelEnded))

        async def finish(_: AgiSession, caller: AgiCaller) -> None:
            await caller.answer()
            await caller.hang_up()

        await room.call(finish)
        await until(lambda: room.watch.count(ChannelEnded) == 2)


async def test_no_value_becomes_an_order(tmp_path: Path) -> None:
    async with lab(tmp_path) as room:
        proof, control = tmp_path / "proof", tmp_path / "control"
        orders = [
            "${SHELL(touch PROOF)}",
            "$[${SHELL(touch PROOF)}]",
            '" EXEC System "touch PROOF',
            '\\" EXEC System \\"touch PROOF',
            "; touch PROOF",
            "$(touch PROOF)`touch PROOF`",
            "x,CH_LOCK=y,CH_CALLER=z",
            "é" * 200,
            "José \u202e山田\u0085",
            "y" * 900,
        ]
        named = [text.replace("PROOF", str(proof)) for text in orders]
        refused = [
            f"a\nEXEC System touch {proof}",
            f"a\r\n\r\nAction: Originate\r\nApplication: System\r\nData: touch {proof}",
            "a\0b",
        ]

        async def shown_on_a_phone(value: str) -> None:
            room.phone.plan, room.phone.seen[:] = Plan((b"486 Busy Here",)), []
            await room.end_of(await room.offer("900", name=value))
            shown = [header(packet, b"From") for packet in room.phone.seen if packet.startswith(b"INVITE")]
            assert shown
            assert quoting.display_name(value).encode() in shown[0].replace(b"\\", b"")

        async def every_value(session: AgiSession, caller: AgiCaller) -> list[str]:
            read: list[str] = []
            for value in named:
                await session.command("SET VARIABLE", "CH_TEST", value)
                read.append((await session.command("GET FULL VARIABLE", "${CH_TEST}")).data)
                asyncio.get_running_loop().call_later(0.05, caller.cut)
                await caller.say(Letters(value))
            for value in refused:
                with pytest.raises(quoting.Unquotable):
                    await session.command("SET VARIABLE", "CH_TEST", value)
            await session.command("GET FULL VARIABLE", f"${{SHELL(touch {control})}}")
            await caller.hang_up()
            return read

        async def own_name(session: AgiSession, caller: AgiCaller) -> str:
            await session.command("SET VARIABLE", "CH_TEST", session.env.caller_name)
            assert (await session.command("GET FULL VARIABLE", "${CH_TEST}")).data == session.env.caller_name
            await shown_on_a_phone(session.env.caller_name)
            await caller.hang_up()
            return session.env.caller_name

        assert await room.call(every_value) == named
        for value in (*named, *refused):
            await shown_on_a_phone(value)
        names = [
            b"Jos\xe9",
            b"\xff\xfe\\\\",
            *(text.replace("\\", "\\\\").replace('"', '\\"').encode() for text in named),
        ]
        arrived = [await room.call(own_name, name) for name in names]
        assert any("SHELL" in str(name) for name in arrived), "the names did come as they were sent"
        assert control.exists(), "an order that is given is carried out: it could have happened"
        assert not proof.exists()
        assert room.watch.count(LinkDown) == 0
        await until(lambda: room.watch.count(ChannelEnded) >= len(names) + 1)
        assert await room.asterisk.channels() == 0
