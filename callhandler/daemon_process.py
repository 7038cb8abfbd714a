"""The daemon as a child process: started, heard ("ready", "alive"), killed when it hangs, ended. It knows nothing of calls."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.errors import CallhandlerError
from callhandler.liveness import Listener

_READY_WITHIN = 30.0


class DaemonProcess:
    """The daemon as a child that says when it is ready and that it is alive, and is killed when it stops saying so."""

    def __init__(self, argv: Sequence[str], output: Path, watchdog: float) -> None:
        """`watchdog`: seconds without a sign of life after which it counts as hanging; `output` takes what it prints."""
        self._argv = dying_with_parent(argv)
        self._output = output
        self._watchdog = watchdog
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._sign = 0.0
        self._listener = Listener(self._heard)

    @property
    def pid(self) -> int | None:
        """The process' id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it says that it is ready. Raises CallhandlerError when it ends or is silent instead."""
        self._listener.wait()  # who is heard before its id is known here is taken for a stranger
        self._ready.clear()
        self._output.parent.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": self._listener.address,
            "WATCHDOG_USEC": str(int(self._watchdog * 1e6)),
        }
        environment.pop("WATCHDOG_PID", None)
        with self._output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment,
            )  # fmt: skip
        self._listener.open()
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while not self._ready.is_set():
                    if self._process.returncode is not None:
                        raise CallhandlerError(f"the daemon ended while starting{self._last_words()}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.kill()
            raise CallhandlerError(
                f"the daemon was not ready within {_READY_WITHIN:.0f} s{self._last_words()}"
            ) from None

    async def ended(self) -> str:
        """Wait until it ends or hangs, in which case it is killed; returns which, for people."""
        assert self._process is not None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._watchdog / 4, 1.0)):
                    status = await self._process.wait()
                return f"ended ({status_text(status)}){self._last_words()}"
            silent = time.monotonic() - self._sign
            if silent > self._watchdog:
                await self.kill()
                return f"gave no sign of life for {silent:.0f} s and was killed"

    async def stop(self, within: float) -> None:
        """Ask it to end, and wait; by force after `within` seconds."""
        if self.pid is not None and self._process is not None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._process.wait()
        await self.kill()

    def end_with_its_calls(self) -> None:
        """Ask it to take no new calls, and to end when the last one has ended."""
        self._signal(signal.SIGUSR1)

    def hang_up_all(self) -> None:
        """Ask it to hang up every call that is left, and to end when their ends are written down."""
        self._signal(signal.SIGUSR2)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None and self._process is not None:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """End it by force, with all it started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _heard(self, pid: int, key: str, value: str) -> None:
        if pid != self.pid:
            return
        if key == "READY" and value == "1":
            self._ready.set()
        if key in {"READY", "WATCHDOG", "STOPPING"}:
            self._sign = time.monotonic()

    def _last_words(self) -> str:
        lines = (
            self._output.read_text(encoding="utf-8", errors="replace").splitlines() if self._output.is_file() else []
        )
        return f": {lines[-1].strip()}" if lines else ""


def status_text(status: int) -> str:
    """An exit status for people."""
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
