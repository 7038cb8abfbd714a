"""The facts that are not in the database yet, and those who wait for them. Memory only; knows neither threads nor files."""

import asyncio
from collections import deque
from itertools import islice

from callhandler.core.events import Fact
from callhandler.store.encoding import Row, decode


class Backlog:
    """Facts in order; the first `spooled` of them are in the spool too."""

    def __init__(self, most: int) -> None:
        """Hold at most so many facts."""
        self._most = most
        self._items: deque[Fact | Row] = deque()
        self._taken = self._kept = 0
        self._waiting: list[tuple[int, asyncio.Future[bool]]] = []
        self.spooled = 0
        self.lost = 0

    def __len__(self) -> int:
        """Return how many facts there are."""
        return len(self._items)

    def add(self, fact: Fact) -> None:
        """Take a fact behind all others. One too many is lost and counted: the first ones tell how the trouble began."""
        if len(self._items) >= self._most:
            self.lost += 1
            return
        self._items.append(fact)
        self._taken += 1

    def put_before(self, rows: list[Row]) -> None:
        """Take facts from an earlier daemon's spool before all others."""
        self._items.extendleft(reversed(rows))
        self._taken += len(rows)
        self.spooled += len(rows)

    def first(self, count: int) -> list[Fact | Row]:
        """Return the first facts."""
        return list(islice(self._items, count))

    def not_spooled(self) -> list[Fact | Row]:
        """Return the facts that are in memory only."""
        return list(islice(self._items, self.spooled, None))

    def facts(self) -> list[Fact]:
        """Return all facts that this version can read."""
        found = (decode(item) if isinstance(item, Row) else item for item in self._items)
        return [fact for fact in found if fact is not None]

    def keep(self, count: int) -> bool:
        """Let go of the first facts: the database has them. Tell whether the spool has just become needless."""
        for _ in range(count):
            self._items.popleft()
        self._kept += count
        had = self.spooled
        self.spooled = max(0, had - count)
        return had > 0 and self.spooled == 0

    def done(self) -> asyncio.Future[bool]:
        """Return what becomes true when all facts so far are in the database, and false when that fails for now."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._kept >= self._taken:
            future.set_result(True)
        else:
            self._waiting.append((self._taken, future))
        return future

    def tell(self, failed: bool) -> bool:
        """Tell those who wait and are waiting for nothing more. Returns whether others still wait."""
        still = []
        for target, future in self._waiting:
            if future.done():
                continue
            if self._kept >= target or failed:
                future.set_result(self._kept >= target)
            else:
                still.append((target, future))
        self._waiting = still
        return bool(still)
