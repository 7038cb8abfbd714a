"""A person at a telephone: baresip, registered with a password or calling as a trunk does, driven over its control port.

It plays a tone instead of a voice, and stops only the process it started. Everything it needs lies in a folder of its own.
It must not know callhandler: it sees SIP and RTP only.
"""

import asyncio
import contextlib
import json
import math
import os
import signal
import struct
import time
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from .ear import Recording

PATIENCE = 30.0
"""Seconds for what happens at once on a machine that has nothing else to do. Whether it does is seen where it is heard."""
CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip}
call_local_timeout 120
call_max_calls 4
audio_path {sounds}
audio_player {player}
audio_source aufile,{tone}
audio_alert aufile,{tone}
ausrc_srate 8000
auplay_srate 8000
rtp_ports {rtp_first}-{rtp_last}
rtp_stats no
net_interface 127.0.0.1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
{encryption}module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


@dataclass(frozen=True, slots=True)
class Baresip:
    """Where baresip is: the words that start it, what they need in the environment, and its folder of modules."""

    argv: list[str]
    modules: Path
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """What baresip said happened: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, REGISTER_OK, ...; or MESSAGE, its text in `param`."""

    at: float
    kind: str
    peer: str
    param: str
    name: str = ""


def _event(said: Mapping[str, object]) -> Event:
    if said.get("message"):
        return Event(time.time(), "MESSAGE", str(said["from"]), str(said.get("body", "")))
    kind, peer, param, name = (str(said.get(key, "")) for key in ("type", "peeruri", "param", "peerdisplayname"))
    return Event(time.time(), kind, peer, param, name)


def write_tone(path: Path, hertz: float, seconds: float) -> Path:
    """Make a WAV of four minutes: a tone for some seconds, then silence. 8 kHz, 16 bit, mono."""
    second = struct.pack("<8000h", *(round(9000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(8000)))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((second * 240)[: round(seconds * 8_000) * 2].ljust(240 * 16_000, b"\0"))
    return path


@dataclass
class Softphone:
    """One phone. `ports`: 14 free ones from this on (SIP, SIP over TLS which baresip opens unasked, control, none, 10 for RTP).

    With `password` it registers with `server` ("host:port") as `user`; without, it only calls, as a trunk does. `record` keeps
    what it decodes in a file (the fallback ear); baresip 1.1 then crashes on `resume`, so it is off where packets can be had.
    With `trusts`, a file of CA certificates, it speaks SIP over TLS alone, and SRTP alone. On each call it `speaks` for some seconds.
    """

    baresip: Baresip
    folder: Path
    ports: int
    server: str
    user: str
    hertz: float
    password: str | None = None
    auto_answer: bool = False
    record: bool = False
    trusts: Path | None = None
    speaks: float = 240.0
    events: list[Event] = field(default_factory=list)

    @property
    def rtp(self) -> tuple[int, int]:
        """First and last of its RTP ports. The first is even: baresip takes the port before an odd one, too."""
        return self.ports + 4 + self.ports % 2, self.ports + 13

    @property
    def recording(self) -> Recording:
        """The fallback ear for the call under way or the last one: what baresip decoded, from when it was established."""
        return Recording(self.folder / "heard.wav", max(e.at for e in self.events if e.kind == "CALL_ESTABLISHED"))

    async def __aenter__(self) -> "Softphone":
        self.folder.mkdir(parents=True)
        tone = write_tone(self.folder / "tone.wav", self.hertz, self.speaks)
        (self.folder / "config").write_text(
            CONFIG.format(
                sip=self.ports,
                control=self.ports + 2,
                rtp_first=self.rtp[0],
                rtp_last=self.rtp[1],
                player=f"aufile,{self.folder}/heard.wav" if self.record else "aubridge,nowhere",
                sounds=self.folder,
                tone=tone,
                modules=self.baresip.modules,
                encryption=f"module srtp.so\nsip_cafile {self.trusts}\n" if self.trusts else "",
            )
        )
        (self.folder / "accounts").write_text(self._account())
        (self.folder / "contacts").write_text("")
        self._changed = asyncio.Condition()
        self._answers: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
        with (self.folder / "out").open("wb") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self.baresip.argv,
                "-f",
                str(self.folder),
                cwd=self.folder,
                env={**os.environ, **self.baresip.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        try:
            await self._connect()
            if self.password is not None:
                await self._registered()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            await self._command("quit")
        await self._stop()

    def _account(self) -> str:
        login = (
            f";auth_user={self.user};auth_pass={self.password};regint=60" if self.password is not None else ";regint=0"
        )
        answer = ";answermode=auto" if self.auto_answer else ";answermode=manual"
        transport, audio = (";transport=tls", ";mediaenc=srtp-mand") if self.trusts else ("", "")
        return f"<sip:{self.user}@{self.server}{transport}>{login}{audio}{answer};audio_codecs=PCMU\n"

    async def _connect(self) -> None:
        until = time.monotonic() + PATIENCE
        while self._process.returncode is None and time.monotonic() < until:
            try:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.ports + 2)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
                continue
            self._listener = asyncio.Task(self._listen(), name=f"softphone {self.user}")
            return
        raise RuntimeError(f"baresip did not start: {(self.folder / 'out').read_text(errors='replace')[-2000:]}")

    async def _registered(self) -> None:
        """Wait until the phone is registered: asked for, because it may have been before anyone listened."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if "OK" in await self._command("reginfo"):
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{self.user} did not register: {(self.folder / 'out').read_text(errors='replace')[-500:]}")

    async def _stop(self) -> None:
        if hasattr(self, "_listener"):
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
            self._writer.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is None:
                self._process.send_signal(number)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), 10)

    async def _listen(self) -> None:
        """Read netstrings ("length:JSON,"): answers to commands, and events."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                said = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if said.get("response"):
                    self._answers.put_nowait((bool(said["ok"]), str(said.get("data", ""))))
                    continue
                event = _event(said)
                async with self._changed:
                    self.events.append(event)
                    self._changed.notify_all()

    async def _command(self, name: str, params: str = "", *, must: bool = True) -> str:
        message = json.dumps({"command": name, "params": params})
        self._writer.write(f"{len(message)}:{message},".encode())
        ok, data = await asyncio.wait_for(self._answers.get(), PATIENCE)
        if must and not ok:
            raise RuntimeError(f"baresip refused {name} {params}: {data}")
        return data

    async def wait_for(self, kind: str, seconds: float = PATIENCE, since: int = 0) -> Event:
        """Wait for an event of this kind; `since` is a count of events to pass over. Raises TimeoutError with the events seen."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                while True:
                    for event in self.events[since:]:
                        if event.kind == kind:
                            return event
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(
                f"{self.user}: no {kind} within {seconds} s; seen: {[e.kind for e in self.events]}"
            ) from None

    async def dial(self, number: str) -> Event:
        """Call, and wait until it is answered."""
        since = len(self.events)
        await self.dial_only(number)
        return await self.wait_for("CALL_ESTABLISHED", since=since)

    async def dial_only(self, number: str) -> None:
        """Call, whatever comes of it."""
        await self._command("dial", f"sip:{number}@{self.server}")

    async def press(self, keys: str) -> None:
        """Press keys, each for a tenth of a second (RFC 4733)."""
        for key in keys:
            await self._command("sndcode", key)
            await asyncio.sleep(0.15)

    async def answer(self) -> None:
        """Pick up."""
        await self._command("accept")

    async def reject(self) -> None:
        """Press the reject key (486)."""
        await self._command("hangup")

    async def hold(self) -> None:
        """Put the other side on hold."""
        await self._command("hold")

    async def resume(self) -> None:
        """Take the other side back. baresip 1.1 does so and answers "Invalid argument" all the same: only the ear can tell."""
        await self._command("resume", must=False)

    async def transfer(self, number: str) -> None:
        """Send the other side elsewhere without asking first (REFER)."""
        await self._command("transfer", f"sip:{number}@{self.server}")

    async def hang_up(self) -> Event:
        """Hang up, and wait until it is over."""
        since = len(self.events)
        await self._command("hangup")
        return await self.wait_for("CALL_CLOSED", since=since)
