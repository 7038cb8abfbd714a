"""Keeps a private Asterisk and the daemon running: starts both, starts again what dies or hangs, ends both in stages.

It knows processes, not calls. Asterisk outlives the daemon: when the daemon is replaced, conversations and waiting callers stay.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence

from callhandler.asterisk.pbx.get import AsteriskProgram
from callhandler.asterisk.pbx.ports import until_agi_free
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.asterisk.pbx.telling import Teller
from callhandler.daemon_process import DaemonProcess, status_text
from callhandler.errors import CallhandlerError
from callhandler.notify import keep_alive, notify
from callhandler.site.loading import LoadedSite

_FIRST_TRIES = 3
_SOUND_AFTER = 60.0
_SLOWEST = 5.0
_DAEMON_ENDS_WITHIN = 10.0
_HUNG_UP_WITHIN = 3.0
"""Seconds in which channels that were hung up are gone, and the daemon has written that down."""
_LOOK_EVERY = 0.2
_GIVE_BACK_EVERY = 60.0
"""Seconds between two requests to Asterisk for the memory that it no longer needs; it takes milliseconds."""
_SETTLED = 1.0
"""Seconds after the last channel is gone in which the daemon has ended by itself; it is told to otherwise."""


class Backoff:
    """How long to wait before the next start, in seconds: longer each time, short again after a minute of health."""

    def __init__(self) -> None:
        self._next = 0.1

    def after(self, alive: float) -> float:
        """The wait after a life of `alive` seconds."""
        wait = 0.1 if alive >= _SOUND_AFTER else self._next
        self._next = min(wait * 2, _SLOWEST)
        return wait


class Supervisor:
    """Asterisk and the daemon of one site, from the start to Ctrl-C."""

    def __init__(
        self,
        loaded: LoadedSite,
        program: AsteriskProgram,
        teller: Teller,
        grace: float,
        daemon: Sequence[str] | None = None,
    ) -> None:
        """`grace`: seconds that conversations get to end after the first Ctrl-C. `daemon`: its command, for tests."""
        argv = daemon or [sys.executable, "-m", "callhandler", "daemon", "--no-attach", "--site", str(loaded.directory)]
        self.asterisk = AsteriskProcess(loaded, program)
        self.daemon = DaemonProcess(argv, loaded.directory / "var" / "log" / "daemon.out", loaded.site.daemon.watchdog)
        self.ready = asyncio.Event()
        self._teller = teller
        self._place = loaded.site.asterisk
        self._grace = grace
        self._version = program.version_text
        self._ending = asyncio.Event()
        self._now = asyncio.Event()
        self._failure: CallhandlerError | None = None

    async def run(self) -> None:
        """Run until told to end. Raises CallhandlerError when Asterisk or the daemon can't be started at all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.end)
        try:
            async with asyncio.TaskGroup() as group:
                keepers = [group.create_task(self._keep(), name="keeping Asterisk and the daemon")]
                keepers.append(group.create_task(self._tell_systemd(), name="telling systemd"))
                await self._ending.wait()
                for keeper in keepers:
                    keeper.cancel()
        finally:
            notify("STOPPING=1")
            await self._wind_down()
            self.daemon.close()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """End in stages: gently the first time, at once the second."""
        if self._ending.is_set():
            self._now.set()
        self._ending.set()

    async def _keep(self) -> None:
        try:
            await until_agi_free(self._place)
            started = time.monotonic()
            await self.asterisk.start()
            self._teller.say(f"Asterisk {self._version} is ready ({time.monotonic() - started:.1f} s)")
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_asterisk(), name="keeping Asterisk")
                group.create_task(self._keep_daemon(), name="keeping the daemon")
                group.create_task(self._keep_small(), name="keeping Asterisk small")
        except* CallhandlerError as errors:
            self._failure = _first(errors)
            self._ending.set()

    async def _keep_asterisk(self) -> None:
        backoff = Backoff()
        while True:
            started = time.monotonic()
            status = await self.asterisk.wait()
            wait = backoff.after(time.monotonic() - started)
            self._teller.say(f"Asterisk ended ({status_text(status)}): starting it again")
            while True:
                await asyncio.sleep(wait)
                try:
                    await self.asterisk.start()
                    break
                except CallhandlerError as error:
                    wait = backoff.after(0.0)
                    self._teller.say(f"{error}; trying again in {wait:.1f} s")
            self._teller.say("Asterisk is ready again")

    async def _keep_small(self) -> None:
        while True:
            await asyncio.sleep(_GIVE_BACK_EVERY)
            if self.asterisk.pid is not None:
                await self.asterisk.give_memory_back()

    async def _keep_daemon(self) -> None:
        backoff = Backoff()
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self.daemon.start()
                self._teller.say(f"The daemon is ready ({time.monotonic() - started:.1f} s)")
                self.ready.set()
                what = f"The daemon {await self.daemon.ended()}"
            except CallhandlerError as error:
                failures += 1
                if not self.ready.is_set() and failures >= _FIRST_TRIES:
                    raise
                what = str(error)
            wait = backoff.after(time.monotonic() - started)
            self._teller.say(f"{what}; starting it again, calls stay in Asterisk")
            await asyncio.sleep(wait)

    async def _tell_systemd(self) -> None:
        """When `up` is itself a service: ready when the daemon is, alive as long as this loop turns."""
        await self.ready.wait()
        notify("READY=1")
        await keep_alive()

    async def _wind_down(self) -> None:
        if self.asterisk.pid is not None or self.daemon.pid is not None:
            await self._in_stages()
        await self.daemon.kill()
        await self.asterisk.stop(within=3.0)

    async def _in_stages(self) -> None:
        async with asyncio.TaskGroup() as group:
            stages = {
                group.create_task(self._gently(), name="ending gently"),
                group.create_task(self._now.wait(), name="hurry"),
            }
            _, pending = await asyncio.wait(stages, return_when=asyncio.FIRST_COMPLETED)
            for stage in pending:
                stage.cancel()

    async def _gently(self) -> None:
        """No new calls; those here may end, seen by the daemon; what is left is hung up, seen too; then the daemon, then Asterisk."""
        self._teller.say("Ending: no new calls are taken (Ctrl-C again ends everything now)")
        self.daemon.end_with_its_calls()
        if not await self._calls_end(self._grace, tell=True):
            self._teller.say("Hanging up what is left")
            self.daemon.hang_up_all()
            await self.asterisk.hang_up_all()
            await self._calls_end(_HUNG_UP_WITHIN)
        await self.daemon.stop(_DAEMON_ENDS_WITHIN)
        await self.asterisk.stop()

    async def _calls_end(self, within: float, tell: bool = False) -> bool:
        """Wait until no channel is left and the daemon has ended with the last call; False when that takes longer than `within` seconds."""
        began = seen = time.monotonic()
        while (channels := await self._channels()) or self.daemon.pid is not None:
            now = time.monotonic()
            seen = now if channels else seen
            if now - seen >= _SETTLED:
                return True
            if now - began >= within:
                return False
            if channels and tell:
                tell = False
                up = "1 channel is" if channels == 1 else f"{channels} channels are"
                self._teller.say(f"{up} still up: up to {within:.0f} s to end (Ctrl-C: now)")
            await asyncio.sleep(_LOOK_EVERY)
        return True

    async def _channels(self) -> int:
        return 0 if self.asterisk.pid is None else await self.asterisk.channels()


def _first(errors: BaseExceptionGroup[CallhandlerError]) -> CallhandlerError:
    inner = errors.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
