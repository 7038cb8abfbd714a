"""Keys typed quickly while the daemon's answers come late, against a real Asterisk: none may fall between two commands.

Asterisk reads and drops keys that end while no command runs (run_agi in res/res_agi.c). A late daemon is one that takes its time
before each command: that is all that Asterisk sees of it.
"""

import asyncio
import struct
import wave
from pathlib import Path

import pytest

from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import AgiReply
from callhandler.asterisk.caller import AgiCaller
from callhandler.asterisk.pbx.get import ensure_asterisk
from callhandler.asterisk.pbx.telling import Silent
from callhandler.scripts.caller import Sound
from tests.live.sip_text import KEYS, Ear
from tests.live.test_edges import lab

pytestmark = pytest.mark.live
LATE = 0.3
PROMPT = Sound("vm-goodbye")
PACKET = 0.02


class Talker:
    """A caller's audio as phones send it: a packet every 20 ms, silence or a key that lasts as long as it is pressed (RFC 4733)."""

    def __init__(self, ear: Ear) -> None:
        self._ear, self._packets = ear, 0

    async def silence(self, seconds: float) -> None:
        """Say nothing."""
        for _ in range(round(seconds / PACKET)):
            await self._send(0, b"\xff" * 160, self._packets)

    async def type(self, keys: str, into: float) -> None:
        """Type quickly, 40 ms each, 40 ms between two, from so many seconds after the first word is heard."""
        heard = len(self._ear.heard)
        while len(self._ear.heard) == heard:
            await self.silence(PACKET)
        await self.silence(into)
        for key in keys:
            began = self._packets
            for number, ended in enumerate((0, 0, 0x80)):
                event = struct.pack("!BBH", KEYS.index(key), 10 | ended, (number + 1) * 160)
                await self._send(101 if number else 101 | 0x80, event, began)
            await self.silence(0.04)

    async def _send(self, kind: int, body: bytes, stamp: int) -> None:
        assert self._ear.transport is not None
        assert self._ear.far is not None
        self._packets += 1
        head = struct.pack("!BBHII", 0x80, kind, self._packets & 0xFFFF, stamp * 160, 7)
        self._ear.transport.sendto(head + body, self._ear.far)
        await asyncio.sleep(PACKET)


class Late(AgiSession):
    """A session whose daemon takes its time before each command."""

    async def command(self, name: str, *args: str, deadline: float = 10.0) -> AgiReply:
        await asyncio.sleep(LATE)
        return await super().command(name, *args, deadline=deadline)


async def test_no_key_is_lost_to_a_late_daemon(tmp_path: Path) -> None:
    with wave.open(str(ensure_asterisk(None, Silent()).sounds["en"] / "vm-goodbye.wav")) as file:
        length = file.getnframes() / file.getframerate()

    async with lab(tmp_path) as room:

        async def script(session: AgiSession, caller: AgiCaller) -> list[str | None]:
            await caller.answer()
            talker = Talker(room.ear)
            await caller.say(PROMPT)  # so that the ear knows where to send
            session.__class__ = Late
            asked = []
            for keys, into, verb in (
                ("1234567890", 0.3, lambda: caller.digits(PROMPT, most=10, seconds=3)),
                ("7002#", length - 0.1, lambda: caller.digits(PROMPT, most=10, seconds=3)),
                ("5", length + 0.1, lambda: caller.ask(PROMPT, seconds=3)),
            ):
                asked.append((await asyncio.gather(verb(), talker.type(keys, into)))[0])
            return asked

        assert await room.call(script) == ["1234567890", "7002", "5"]


async def test_asking_is_cut_at_any_time_and_leaves_the_music_on(tmp_path: Path) -> None:
    async with lab(tmp_path) as room:
        loop = asyncio.get_running_loop()
        marks: list[int] = []

        async def script(session: AgiSession, caller: AgiCaller) -> list[str | None]:
            await caller.answer()
            said: list[str | None] = []
            for verb in (
                lambda: caller.digits(PROMPT, PROMPT, most=3, seconds=20),
                lambda: caller.digits(most=3, seconds=20),
                lambda: caller.ask(PROMPT, seconds=20),
            ):
                for wait in (0.0, 0.3, 1.5):  # 0: together with the command, or before Asterisk has read it
                    loop.call_later(wait, caller.cut)
                    began = loop.time()
                    said.append(await verb())
                    assert loop.time() - began < 15.0, "it was not cut"
                    said.append((await session.command("GET FULL VARIABLE", "mine")).data)
            await caller.music("default")
            for spoken in ((PROMPT,), (Sound("/no/such/file"),), ()):
                said.append(await caller.digits(*spoken, most=2, seconds=1))  # and not at the end of the music's file
                await asyncio.sleep(1.0)
                marks.append(len(room.ear.heard))
            return said

        assert await room.call(script) == [*[None, "mine"] * 9, *[None] * 3]
        heard = bytes(room.ear.heard)
        files = [path.read_bytes() for path in room.music]
        for mark in marks:
            assert any(heard[mark - 1_600 : mark - 800] in text for text in files), "music is on again"
