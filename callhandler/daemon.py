"""The composition root: builds every part by plain calls, starts them in order, stops them in stages."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
import uvloop

from callhandler import __version__, logs
from callhandler.asterisk import agi_key
from callhandler.asterisk.agi import AgiServer
from callhandler.asterisk.ami import Ami
from callhandler.asterisk.ami_session import AmiLink
from callhandler.asterisk.door import Door
from callhandler.asterisk.pbx.get import find_program
from callhandler.asterisk.sounds import make_sounds
from callhandler.attendant import Attendant
from callhandler.away_messages import AWAY_KEPT, AwayMessages
from callhandler.callback_rooms import CustomersFirst
from callhandler.control.server import Server, refuse_second
from callhandler.core import events as e
from callhandler.core.closing import Closing
from callhandler.core.inbox import InboxKeeper
from callhandler.core.observed import Observation
from callhandler.core.views import StatusView
from callhandler.ending import Ending
from callhandler.errors import CallhandlerError, Refused
from callhandler.frontdesk import FrontDesk
from callhandler.notify import keep_alive, notify
from callhandler.openings import Openings
from callhandler.publish.mail import MailPublisher
from callhandler.publish.mqtt import MqttPublisher
from callhandler.reception import Reception
from callhandler.reloading import Reloading
from callhandler.site.loading import LoadedSite, load
from callhandler.site.models import Mail
from callhandler.site.plan import plan
from callhandler.store.abandoned import abandoned
from callhandler.store.inbox import INBOX_KEPT, MAILED_WITHIN, item_facts, message_files, not_mailed
from callhandler.store.journal import Journal
from callhandler.store.queries import alarms_since, decisions_of
from callhandler.store.sources import Source
from callhandler.store.waits import estimates_so_far
from callhandler.switchboard import Switchboard
from callhandler.tasks import Tasks
from callhandler.timing import SteadyClock, Timers, watch_clock

log = structlog.get_logger("daemon")
T = TypeVar("T")

LAST_WORDS = 2.0
"""Seconds that the scripts under way get to end when the daemon stops; their callers go on in the dialplan."""

FORGET_EVERY = 3_600.0
"""Seconds between two looks for what is older than the journal keeps."""
_DAY = 86_400.0
THREADS_TURN = 0.001
"""Seconds for which the journal's thread may keep the interpreter while a call waits for it; Python's own 5 ms add up to stalls."""


def main(directory: Path, attach: Callable[[LoadedSite], None] | None) -> int:
    """Run the daemon for the site in `directory` until it is told to stop; returns the exit status.

    `attach` writes what an Asterisk beside is to include. Somebody looks on then: what is logged is shown too. None under `up`, where what
    is printed is the last words alone.
    """
    try:
        loaded = load(directory)
        refuse_second(loaded.inside(loaded.site.daemon.socket))  # before its files and its log are touched
        if attach is not None:
            attach(loaded)
        sys.setswitchinterval(THREADS_TURN)
        os.umask(0o027)  # callers' numbers are nobody else's business
        logs.configure(loaded.inside(loaded.site.daemon.log), sys.stderr if attach or sys.stderr.isatty() else None)
        return uvloop.run(_run(loaded))
    except CallhandlerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


async def _run(loaded: LoadedSite) -> int:
    daemon = Daemon(loaded)
    because = ""
    try:
        await daemon.start()
        return await daemon.until_told()
    except CallhandlerError as error:
        because = str(error)
        raise
    finally:
        await daemon.stop(because)


class Daemon:
    """All parts of one site, and the order in which they start and stop."""

    def __init__(self, loaded: LoadedSite) -> None:
        site = loaded.site
        self._loaded = loaded
        self._started = time.time()
        self._told = asyncio.Event()
        self._failed: str | None = None
        self._tasks = Tasks(self._task_died)
        clock = self._clock = SteadyClock()
        timers = Timers(clock)
        directory = loaded.directory
        self.journal = Journal(
            site.daemon.database, site.asterisk.node, directory, self._journal_alarm, self._task_died
        )
        asterisk = site.asterisk
        link = AmiLink(
            asterisk.ami_host,
            asterisk.ami_port,
            asterisk.ami_user,
            asterisk.ami_secret.get_secret_value(),
            asterisk.ping,
        )
        # The switchboard and the link know each other; this one exists a line earlier.
        self.ami = Ami(link, self._observe)
        self.switchboard = Switchboard(plan(site), self.ami, self.journal, clock, timers.at)
        timers.to(self.switchboard.wake, self.switchboard.is_here)
        self._keeper = InboxKeeper(self.switchboard.callbacks.core.written)
        openings = Openings(lambda: self._reloading.loaded.site)
        closing = Closing(self.switchboard.calls, self.switchboard.line.books, openings.of_number)
        self.switchboard.followed_by(self._keeper, closing)
        self.desk = FrontDesk(
            self.switchboard,
            site.company.time_zone,
            self._status,
            self._decisions,
            self._keeper.inbox,
            self.journal.flush,
        )
        self.attendant = Attendant(self.switchboard)
        self.ending = Ending(self.switchboard, self._told.set)
        self._door = Door(lambda: self.agi.sessions, self.switchboard.rings, self.switchboard.let_in, self._busy_alarm)
        self.reception = Reception(
            loaded,
            self.switchboard,
            self.desk,
            self.attendant,
            self.journal.commit,
            self._door,
            lambda: self.ending.has_begun,
        )
        self.agi = AgiServer(
            asterisk.agi_host,
            asterisk.agi_port,
            agi_key.key_of(asterisk.ami_secret.get_secret_value()),
            self.reception.receive,
            unproven=self._unproven,
        )
        self.control = Server(self.desk, loaded.inside(site.daemon.socket))
        self.mqtt = None if site.mqtt is None else MqttPublisher(site.mqtt, site.asterisk.node, self.desk)
        self.mail = None if site.mail is None else self._mailer(site.mail)
        self.away_messages = AwayMessages(self.switchboard, directory, lambda: self._reloading.loaded.site)
        self.customers_first = CustomersFirst(
            self.switchboard.callbacks, lambda: self._reloading.loaded.site, self.journal.commit
        )
        self._reloading = Reloading(loaded, self.switchboard, self.reception, self.journal)
        self.desk.reloading = self._reloading.reload

    async def start(self) -> None:
        """Start everything; ready when this returns. Raises CallhandlerError with one sentence when it can't be."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told.set)
        loop.add_signal_handler(signal.SIGUSR1, self.ending.begin)
        loop.add_signal_handler(signal.SIGUSR2, self.ending.hang_up)
        await self.control.start()  # first: of two daemons started at once, one is refused here
        await self.journal.start()
        await self._take_up()
        made = await asyncio.to_thread(make_sounds, self._loaded, find_program)
        for cause in made.causes:
            log.error("prompts can't be spoken", problem=cause)
        if self.mail is not None:
            for left in await self._asked(not_mailed, self.switchboard.clock() - MAILED_WITHIN):
                self.mail.publish(left)
            self.switchboard.listen(self.mail.publish)
            self._tasks.start("mail", self.mail.run())
        self.switchboard.listen(self.customers_first.see)
        self._tasks.start("customers first", self.customers_first.run())
        if self.mqtt is not None:
            self.switchboard.listen(self.mqtt.publish)
            self._tasks.start("mqtt", self.mqtt.run())
        try:
            await self.agi.start()
        except OSError as error:
            port = self._loaded.site.asterisk.agi_port
            raise CallhandlerError(
                f"the FastAGI port {port} can't be had ({error.strerror}); is another daemon running?"
            ) from error
        self._tasks.start("ami", self.ami.run())
        self._tasks.start("forgetting", self._forget())
        self._tasks.start("watchdog", keep_alive())
        self._tasks.start("clock", watch_clock(self._clock, lambda: not self.switchboard.calls.here, self._clock_alarm))
        # The program itself is some 120,000 objects that last: looking through them for garbage took 0.11 s, with every call held up.
        gc.collect()
        gc.freeze()
        notify("READY=1")
        log.info("ready", version=__version__, site=str(self._loaded.directory), pid=os.getpid())

    async def _take_up(self) -> None:
        """Rebuild the state from the journal, and write down that the daemon is here."""
        now = self.switchboard.clock()
        midnight = datetime.now(ZoneInfo(self._loaded.site.company.time_zone)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        found = await self.journal.recover(now, midnight.timestamp())
        self._clock.not_before(found.last_at or now)
        now = self.switchboard.clock()
        with contextlib.suppress(
            Refused
        ):  # a journal that can't be read, which `recover` has told of: estimates begin anew
            self.attendant.restore(await self.journal.ask(estimates_so_far, now))
        talks = {number: (talk.agent, talk.at) for number, talk in found.last_talks.items()}
        self.switchboard.record(e.DaemonStarted(at=now, program=f"callhandler {__version__}"))
        for fact in await self._asked(item_facts, now - INBOX_KEPT):
            self._keeper.apply(fact)
        self.away_messages.restore(await self._asked(message_files, now - AWAY_KEPT - _DAY))
        left = await self._asked(abandoned, now - self._loaded.site.waiting.redial)
        self.switchboard.redials.restore(left, {number: at for number, (_, at) in talks.items()})
        self.switchboard.restore(found.facts, talks, found.last_at)
        ringing = [call for call in self.switchboard.calls.here.values() if call.rings_since is not None]
        self._door.keep_on(call.id for call in sorted(ringing, key=attrgetter("rings_since")))
        self.desk.figures.begin(now, found.calls_today, await self._asked(alarms_since, now - _DAY))
        self.switchboard.record(e.SiteLoaded(at=now, digest=self._loaded.digest, reason="start"))
        await self.journal.keep_site(self._loaded.digest, now, self._loaded.text)
        self.switchboard.seat_at_first_start(now)
        self.switchboard.unseat(now)

    def _observe(self, seen: Observation) -> None:
        try:
            self.away_messages.observe(seen)
        except Exception:
            # A mistake about files is told, and is no reason that the switchboard should not see what happens.
            log.exception("messages taken while the daemon was away can't be looked at")
        self.switchboard.observe(seen)

    def _mailer(self, settings: Mail) -> MailPublisher:
        board, directory = self.switchboard, self._loaded.directory
        return MailPublisher(settings, lambda: self._reloading.loaded.site, directory, board.record, board.clock)

    async def _asked(self, question: Callable[[Source, float], list[T]], since: float) -> list[T]:
        """Ask the journal; one that can't be read knows nothing, and calls are taken all the same."""
        try:
            return await self.journal.ask(question, since)
        except Refused as error:
            log.error("the journal can't be read", question=question.__name__, error=str(error))
            return []

    async def _forget(self) -> None:
        """Every hour, delete what has become older than the site keeps it."""
        while True:
            await asyncio.sleep(FORGET_EVERY)
            await self.journal.forget(self.switchboard.clock(), self._reloading.loaded.site.journal.keep)

    async def until_told(self) -> int:
        """Run until a signal says stop, or a task died; returns the exit status."""
        await self._told.wait()
        return 0 if self._failed is None else 1

    async def stop(self, because: str = "") -> None:
        """Stop in stages: no new calls, callers back to the dialplan, facts to disk, doors closed. `because` says why it never started."""
        notify("STOPPING=1")
        self._door.shut()
        self.agi.stop_accepting()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self.agi.close()
        await self.control.stop()
        await self._tasks.stop()
        reason = because or ("told to" if self._failed is None else f"the task {self._failed} died")
        self.switchboard.record(e.DaemonStopped(at=self.switchboard.clock(), reason=reason))
        await self.journal.stop()
        log.info("stopped", reason=reason)

    def _task_died(self, name: str) -> None:
        self._failed = name
        self._told.set()

    def _journal_alarm(self, sentence: str) -> None:
        log.error("the journal", problem=sentence)
        self.switchboard.record(e.AlarmRaised(at=self.switchboard.clock(), kind="disk", reason=sentence))

    def _unproven(self) -> None:
        reason = (
            "a FastAGI session without this site's key was refused: the dialplan that Asterisk has loaded is an old one, "
            "or a program of this machine pretends to be a call; `callhandler doctor` says which"
        )
        self.switchboard.record(e.AlarmRaised(at=self.switchboard.clock(), kind="agi", reason=reason))

    def _clock_alarm(self, sentence: str) -> None:
        self.switchboard.record(e.AlarmRaised(at=self.switchboard.clock(), kind="clock", reason=sentence))

    def _busy_alarm(self, sentence: str) -> None:
        self.switchboard.record(e.AlarmRaised(at=self.switchboard.clock(), kind="busy", reason=sentence))

    async def _decisions(self, call: str) -> list[e.RoutingDecided]:
        await self.journal.flush()
        return await self.journal.ask(decisions_of, call)

    def _status(self) -> StatusView:
        link, site = self.switchboard.link, self._reloading.loaded.site
        return StatusView(
            version=__version__,
            node=site.asterisk.node,
            pid=os.getpid(),
            started=self._started,
            now=self.switchboard.clock(),
            site=str(self._loaded.directory),
            site_digest=self._reloading.loaded.digest,
            asterisk_connected=link is not None,
            asterisk_version=None if link is None else link.version,
            asterisk_since=self.switchboard.link_since,
            journal_backlog=self.journal.backlog,
            sessions=self.agi.sessions,
            tasks=len(asyncio.all_tasks()),
            counts=self.desk.counts(),
            alarms=self.desk.figures.alarms.of_the_day(self.switchboard.clock()),
            publishers=tuple(one.view() for one in (self.mqtt, self.mail) if one is not None),
            emergency=self.switchboard.emergency,
            ending=self.ending.has_begun,
        )
