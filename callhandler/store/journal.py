"""The journal as the daemon writes it: `append` returns at once, one task writes behind. Knows facts and the writer, no call.

Facts are written as soon as there are 100, at the latest 100 ms after they happened; those that came meanwhile go at once, up to 1,000.
While the database can't be written (disk full, read-only, locked, corrupt) they stay in memory and in a spool file beside it, are tried
again, and follow in order.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

import structlog

from callhandler.core.events import Fact
from callhandler.errors import Refused
from callhandler.store.backlog import Backlog
from callhandler.store.encoding import milliseconds
from callhandler.store.forgetting import Forgetting
from callhandler.store.privacy import masked
from callhandler.store.recovery import Recovery, recover
from callhandler.store.sources import Source, open_source
from callhandler.store.writer import Writer
from callhandler.tasks import Tasks

ENOUGH = 100
"""So many facts are not gathered any longer."""
MOST = 1_000
"""Facts in one transaction: at a thousand each costs half of what it does at a hundred, and all are kept within a twentieth of a second."""
P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger("journal")


class Journal:
    """The facts of one site. `async with Journal(...) as journal`, or `start` and `stop`; used from one event loop."""

    def __init__(
        self,
        url: str,
        node: str,
        directory: Path,
        alarm: Callable[[str], None] | None = None,
        on_death: Callable[[str], None] = lambda name: None,
        settle: float = 0.05,
        retry: float = 2.0,
        most: int = 500_000,
    ) -> None:
        """Take where and how to write.

        Args:
            url: the site's `daemon.database`; a relative file is meant from `directory`.
            node: the name of this Asterisk; stands in every row.
            directory: the site's directory.
            alarm: told in one sentence when the database can't be written, and when it can again.
            on_death: told the writing task's name if it dies of a mistake of ours; the daemon can then only stop.
            settle: how long facts are gathered before a batch is written, in seconds, at most 0.1.
            retry: how long to wait after a failure, in seconds.
            most: facts kept in memory while the database can't be written; further ones are lost, counted and said so.
        """
        self._url = url
        self._directory = directory
        self._alarm = alarm
        self._settle = min(settle, 0.1)
        self._retry = retry
        self._writer = Writer(url, directory, node)
        self._thread = ThreadPoolExecutor(1, "journal")
        self._pending = Backlog(most)
        self._some, self._enough = asyncio.Event(), asyncio.Event()
        self._tasks = Tasks(self._died)
        self._on_death = on_death
        self._open = self._dead = False
        self._to_disk = 0
        self.trouble: str | None = None

    @property
    def backlog(self) -> int:
        """How many facts are not in the database yet."""
        return len(self._pending)

    def append(self, fact: Fact) -> None:
        """Keep a fact, in order. Returns at once and never raises; writing happens behind."""
        self._pending.add(fact)
        self._some.set()
        if len(self._pending) >= ENOUGH and self.trouble is None:
            self._enough.set()

    async def start(self) -> None:
        """Open the journal and begin to write. A database that can't be written is no reason not to start.

        Raises:
            Refused: another daemon writes this journal.
            NewerJournal: a newer callhandler made it.
        """
        rows, error = await self._in_thread(self._writer.start)
        self._pending.put_before(rows)
        if self._pending:
            self._some.set()
        if error is not None:
            self._troubled(error)
        self._open = True
        self._tasks.start("journal", self._write_behind())

    async def stop(self) -> None:
        """Write what is left, into the spool if need be, and close. One that never started leaves the file to whoever has it."""
        if not self._open:
            self._thread.shutdown(wait=False)
            return
        await self.flush()
        await self._tasks.stop()
        if left := self._pending.not_spooled():
            log.error(
                "facts are lost: neither the database nor the spool can be written",
                facts=len(left),
            )
        await self._in_thread(self._writer.stop)
        self._thread.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def flush(self) -> bool:
        """Wait until all facts so far are on disk. Returns whether they are in the database; False means in the spool or in memory."""
        if self._dead or not self._open:
            return False
        self._enough.set()
        return await self._pending.done()

    async def commit(self) -> bool:
        """Wait until all facts so far are on the disk itself, past a power cut; return whether they are.

        Facts appended just before, with no `await` in between, are in no batch yet: it and those after it are written with
        `synchronous=FULL`. Where the database can't be written, the spool is good enough: each of its writes is synced.
        """
        self._to_disk += 1
        try:
            return await self.flush() or (self._open and not self._dead and not self._pending.not_spooled())
        finally:
            self._to_disk -= 1

    async def ask(self, question: Callable[Concatenate[Source, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Put a question of `queries` to the journal, without keeping calls waiting. All facts so far are in the answer.

        Raises:
            Refused: the journal can't be read.
        """
        await self.flush()

        def answer() -> T:
            with open_source(self._url, self._directory) as source:
                return question(source, *args, **kwargs)

        return await asyncio.to_thread(answer)

    async def recover(self, now: float, midnight: float) -> Recovery:
        """Return what the state is rebuilt from. An unreadable journal is an empty one; facts that are only in the spool are in it.

        Args:
            now: the time, in seconds since the epoch.
            midnight: when today began in the site's time zone.
        """
        try:
            found = await self.ask(recover, now, midnight)
        except Refused as error:
            log.error("nothing can be recovered", error=str(error))
            found = Recovery()
        return found.followed_by(self._pending.facts())

    async def rebuild(self) -> int:
        """Compute table `call` again from the facts. Returns how many calls there are."""
        await self.flush()
        return await self._in_thread(self._writer.rebuild)

    async def forget(self, now: float, days: int, pause: float = 0.25) -> None:
        """Delete what was over `days` before `now` (seconds since the epoch): a little every `pause` seconds, nothing while in trouble."""
        walk, more = Forgetting(now, days), True
        try:
            while more and self.trouble is None:
                more = await self._in_thread(lambda: self._writer.forget(walk))
                await asyncio.sleep(pause)
        except Exception as error:  # what is too old now is so an hour later, too
            log.warning("the journal's old facts are not deleted", error=str(error))
        if walk.facts:
            log.info("the journal's old facts are deleted", days=days, calls=walk.calls, facts=walk.facts)

    async def keep_site(self, digest: str, at: float, text: str) -> None:
        """Keep a site file that came into force, once for each digest. Secrets are masked here, whoever calls."""
        try:
            await self._in_thread(lambda: self._writer.keep_site(digest, milliseconds(at), masked(text)))
        except Exception as error:  # a text for people to look at later: no reason not to take calls
            log.warning("the site file's text is not kept", digest=digest, error=str(error))

    async def _write_behind(self) -> None:
        while True:
            await self._some.wait()
            await self._gather()
            self._enough.clear()
            await self._write()
            if not self._pending:
                self._some.clear()

    async def _gather(self) -> None:
        """Wait for more facts: a little when all is well, longer when the database was just seen to fail."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settle if self.trouble is None else self._retry):
                await self._enough.wait()

    async def _write(self) -> None:
        items, spooled, to_disk = self._pending.first(MOST), self._pending.spooled > 0, self._to_disk > 0
        attempt = await self._in_thread(lambda: self._writer.write(items, spooled, to_disk))
        if attempt.error is None:
            await self._wrote(attempt.kept)
        else:
            self._troubled(attempt.error)
            if fresh := self._pending.not_spooled():
                self._pending.spooled += await self._in_thread(lambda: self._writer.keep_aside(fresh, not spooled))
        if self._pending.tell(self.trouble is not None) or (self.trouble is None and len(self._pending) >= ENOUGH):
            self._enough.set()

    async def _wrote(self, count: int) -> None:
        if self._pending.keep(count):
            await self._in_thread(self._writer.caught_up)
        if self.trouble is not None:
            self.trouble = None
            lost, self._pending.lost = self._pending.lost, 0
            log.info("the journal is written again", backlog=self.backlog, lost=lost)
            self._say("the journal is written again" + (f"; {lost} facts are lost" if lost else ""))

    def _troubled(self, error: str) -> None:
        if self.trouble is None:
            log.error("the journal can't be written; facts are kept and tried again", error=error)
            self._say(f"the journal can't be written ({error}); facts are kept and tried again")
        self.trouble = error

    def _say(self, sentence: str) -> None:
        if self._alarm is not None:
            try:
                self._alarm(sentence)
            except Exception:  # a listener's mistake is no reason to stop writing
                log.exception("the journal's alarm failed")

    def _died(self, name: str) -> None:
        self._dead = True
        self._pending.tell(failed=True)
        self._on_death(name)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
