"""The inbox as the journal has it. Reads few rows by index; works whether the daemon is there or not."""

from callhandler.core.events import Fact, ItemClaimed, ItemDone, ItemOpened, MessageLeft, MessageMailed
from callhandler.core.inbox import Inbox
from callhandler.core.views import ItemView
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import facts_where
from callhandler.store.sources import Source

INBOX_KEPT = 90 * 86_400.0
"""Seconds after which what nobody saw to is no longer asked for."""
MAILED_WITHIN = 3 * 86_400.0
"""Seconds after which a message that no mail told of is no news any more."""
_KINDS = (MessageLeft, ItemOpened, ItemClaimed, ItemDone)
_NOT_DONE = """
    AND NOT EXISTS (
        SELECT 1 FROM fact AS closed WHERE closed.call = opened.call AND closed.kind = 'ItemDone' AND closed.seq > opened.seq
    )
"""


def items(source: Source, since: float, done: bool = False) -> list[ItemView]:
    """Return the items opened since a time (seconds since the epoch): those that aren't done, and with `done` the others, too."""
    inbox = Inbox(keep_done=done)
    for fact in item_facts(source, since, done):
        inbox.apply(fact)
    return inbox.items()


def item_facts(source: Source, since: float, done: bool = False) -> list[Fact]:
    """Return the facts about items opened since a time, in order; without `done` only of calls with an item that isn't done."""
    opened = "SELECT DISTINCT call FROM fact AS opened WHERE kind = 'ItemOpened' AND at >= :since AND call IS NOT NULL"
    calls = source.ask(str, opened + ("" if done else _NOT_DONE), since=milliseconds(since))
    kinds = ", ".join(f"'{kind.__name__}'" for kind in _KINDS)
    clause = f"WHERE call = :call AND kind IN ({kinds}) ORDER BY seq"
    found = [stored for call in calls for stored in facts_where(source, clause, call=call)]
    return [stored.fact for stored in sorted(found, key=lambda one: one.seq) if stored.fact is not None]


def message_files(source: Source, since: float) -> list[str]:
    """Return the files of the messages left since a time (seconds since the epoch), relative to the site."""
    clause = "WHERE kind = :kind AND at >= :since ORDER BY seq"
    found = facts_where(source, clause, kind=MessageLeft.__name__, since=milliseconds(since))
    return [stored.fact.file for stored in found if isinstance(stored.fact, MessageLeft)]


def not_mailed(source: Source, since: float) -> list[MessageLeft]:
    """Return the messages left since a time (seconds since the epoch) that no mail has told of, in order."""
    clause = "WHERE kind = :kind AND at >= :since ORDER BY seq"
    mailed, left = (
        [found.fact for found in facts_where(source, clause, kind=kind.__name__, since=milliseconds(since))]
        for kind in (MessageMailed, MessageLeft)
    )
    told = {fact.file for fact in mailed if isinstance(fact, MessageMailed)}
    return [fact for fact in left if isinstance(fact, MessageLeft) and fact.file not in told]
