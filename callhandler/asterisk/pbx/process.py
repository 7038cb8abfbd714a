"""The private Asterisk as a process: prepared, started, asked whether it is ready, made to read its files again, and ended.

It runs as a foreground child in a process group of its own, which ends when its parent dies. It knows no calls.
"""

import asyncio
import contextlib
import os
import re
import resource
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from callhandler.asterisk.pbx.get import AsteriskProgram
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.ports import until_free
from callhandler.asterisk.pbx.prepare import prepare
from callhandler.errors import CallhandlerError
from callhandler.site.loading import LoadedSite

READY_WITHIN = 20.0
"""Seconds within which Asterisk must be ready; it takes one or two."""
_ASK = 5.0
FILES = 65_536
"""Files that Asterisk may have open, as the systemd units allow: a call of its has six. A shell allows 1,024, enough for 170 calls."""


def more_files() -> None:
    """Allow this process and its children as many open files as they need, or else as many as may be."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for soft, hard in ((FILES, max(most, FILES)), (min(most, FILES), most)):
        with contextlib.suppress(OSError, ValueError):  # only the privileged may raise the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            return


def dying_with_parent(argv: Sequence[str]) -> list[str]:
    """`argv` for a child that gets SIGTERM when its parent dies (prctl(2), PR_SET_PDEATHSIG), by util-linux's setpriv."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *argv] if setpriv else list(argv)


class AsteriskProcess:
    """One private Asterisk of one site."""

    def __init__(self, loaded: LoadedSite, program: AsteriskProgram) -> None:
        self._loaded = loaded
        self._folders = layout(loaded.directory)
        self._base = [*program.argv, "-C", str(self._folders["etc"] / "asterisk.conf")]
        self._program = program
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process' id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def log(self) -> Path:
        """Asterisk's own log of notices, warnings and errors."""
        return self._folders["log"] / "messages"

    async def start(self) -> None:
        """Start Asterisk and wait until it is ready: fully booted and answering on AMI. Raises CallhandlerError, with its last words.

        Its files are made at the first start alone: by the next one a reload, of which this process isn't told, may have made newer ones.
        """
        if self._process is None:
            prepare(self._loaded, self._program, starting=True)
        await until_free(self._loaded.site.asterisk, self._loaded.site.tls)
        more_files()
        with (self._folders["log"] / "output").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *dying_with_parent([*self._base, "-f"]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                # Asterisk would tell systemd that it is ready, in the name of who started it.
                env={key: text for key, text in os.environ.items() if key != "NOTIFY_SOCKET"},
            )
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._until_ready()
        except TimeoutError:
            await self.stop()
            raise CallhandlerError(
                f"Asterisk was not ready within {READY_WITHIN:.0f} s; {self._last_words()}"
            ) from None

    async def wait(self) -> int:
        """Wait until the process ends; returns its exit status, negative for a signal."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self, within: float = 5.0) -> None:
        """End it now: asked politely first (SIGTERM), by force after `within` seconds."""
        if self.pid is None or self._process is None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(within):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def hang_up_all(self) -> None:
        """Hang up every channel. Asterisk stays, so that whoever watches sees their ends."""
        if self.pid is not None:
            await self.ask("channel request hangup all")

    async def channels(self) -> int:
        """How many channels there are; 0 when Asterisk doesn't answer."""
        # Not the first line: the console's own troubles stand above it, such as a machine's without any network card (16.28).
        found = re.search(r"(?m)^(\d+) active channel", await self.ask("core show channels count"))
        return int(found[1]) if found else 0

    async def reload(self, loaded: LoadedSite) -> tuple[str, ...]:
        """Render the site anew and have Asterisk take up what changed; return which files did. Calls go on.

        What Asterisk reads only when it starts doesn't change here: site/diffing.py refuses a reload of the tables it is made of.
        """
        self._loaded = loaded
        changed = prepare(loaded, self._program)
        for name, command in (
            ("extensions.conf", "dialplan reload"), ("pjsip.conf", "module reload res_pjsip.so"), ("manager.conf", "manager reload"),
            ("musiconhold.conf", "moh reload"), ("logger.conf", "logger reload"),
        ):  # fmt: skip
            if name in changed and "No such command" in (answer := await self.ask(command)):
                raise CallhandlerError(f"Asterisk didn't read {name} again: {answer.strip()}")
        return tuple(changed)

    async def give_memory_back(self) -> None:
        """Have it return free memory to the system. By itself it keeps what its busiest half minute took, for the C library only gives
        back what is free at a heap's end: a call's SIP transactions last 32 s, and among them lie things that last for ever.
        """
        with contextlib.suppress(OSError):  # no process can be started now: a minute later, then
            await self.ask("malloc trim")

    async def ask(self, command: str, within: float = _ASK) -> str:
        """What Asterisk's console answers to a command; "" when it doesn't answer. Never given anything from outside."""
        process = await asyncio.create_subprocess_exec(
            *self._base,
            "-rx",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(within):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return ""
        return output.decode("utf-8", "replace") if process.returncode == 0 else ""

    async def _until_ready(self) -> None:
        assert self._process is not None
        control = self._folders["run"] / "asterisk.ctl"
        started = time.time()
        while True:
            if self._process.returncode is not None:
                raise CallhandlerError(f"Asterisk ended while starting; {self._last_words()}")
            fresh = control.exists() and control.stat().st_mtime >= started - 1
            if (
                fresh
                and "fully booted" in await self.ask("core waitfullybooted", READY_WITHIN)
                and await self._greets()
            ):
                return
            await asyncio.sleep(0.05)

    async def _greets(self) -> bool:
        place = self._loaded.site.asterisk
        try:
            reader, writer = await asyncio.open_connection(place.ami_host, place.ami_port)
        except OSError:
            return False
        try:
            return (await reader.readline()).startswith(b"Asterisk Call Manager")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _last_words(self) -> str:
        lines: list[str] = []
        for path in (self._folders["log"] / "output", self.log):
            if path.is_file():
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()[-4:]
        return "its last words: " + " | ".join(lines) if lines else f"see {self.log}"
