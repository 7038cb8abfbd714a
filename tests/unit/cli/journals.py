"""A site's journal with facts in it, as a daemon that isn't there any more has left it."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from callhandler.core.events import Fact
from callhandler.store.journal import Journal


def kept(directory: Path, facts: Iterable[Fact]) -> None:
    """Have the journal of the site in `directory` hold these facts."""

    async def write() -> None:
        async with Journal("sqlite:///var/journal.db", "pbx1", directory) as journal:
            for fact in facts:
                journal.append(fact)

    asyncio.run(write())
