"""What callbacks came to, queue by queue, from their records. Promises have figures of their own: core/promises.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from callhandler.core.events import CallEntered
from callhandler.core.kpi import percentile
from callhandler.store.callbacks import CallbackRecord
from callhandler.store.encoding import milliseconds
from callhandler.store.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFigures:
    """The callbacks asked for of one queue within a stretch of time. Seconds; what can't be told is None.

    `entered` counts the calls that entered the queue's line in that time, `instead` those of them whose callers asked for a callback.
    `asked` counts the callbacks: `by_caller`, who need not have been in that line (closed, or moved), and by others (unasked, or by hand).
    Who talked, failed, expired, cancelled, needed no call any more, and who is open yet make up all.
    `success` is the part that talked of those that talked, failed or expired; `attempts` how often a customer was dialled, in the mean of
    those who were. `response` (median and 90th percentile) counts from when the customer first entered the line to the
    conversation, and a night between the two with it; `saved` is all the time that nobody had to spend on the telephone for it.
    """

    queue: str
    entered: int
    instead: int
    asked: int
    by_caller: int
    talked: int
    failed: int
    expired: int
    cancelled: int
    not_needed: int
    open: int
    success: float | None
    attempts: float | None
    median_response: float | None
    p90_response: float | None
    saved: float


def entered_between(source: Source, start: float, end: float) -> dict[str, set[str]]:
    """Return which calls entered each queue's line from `start` until before `end`."""
    kept = "SELECT queue, call FROM fact WHERE kind = :kind AND at >= :first AND at < :past"
    rows = source.ask(_Entered, kept, kind=CallEntered.__name__, first=milliseconds(start), past=milliseconds(end))
    found: dict[str, set[str]] = {}
    for one in rows:
        found.setdefault(one.queue, set()).add(one.call)
    return found


class _Entered(NamedTuple):
    queue: str
    call: str


def callback_figures(records: Iterable[CallbackRecord], entered: Mapping[str, set[str]]) -> list[CallbackFigures]:
    """Return the figures of each queue that anybody was to be called back from, by name."""
    queues: dict[str, list[CallbackRecord]] = {}
    for record in records:
        queues.setdefault(record.queue, []).append(record)
    return [_figures(queue, queues[queue], entered.get(queue, set())) for queue in sorted(queues)]


def _figures(queue: str, records: list[CallbackRecord], entered: set[str]) -> CallbackFigures:
    by_caller = [one.call for one in records if one.by == "caller"]
    results = [one.result for one in records]
    talked = sum(one.result == "done" and one.connected is not None for one in records)
    failed, expired = results.count("failed"), results.count("expired")
    dialled = [len(one.attempts) for one in records if one.attempts]
    responses = sorted(one.response for one in records if one.response is not None)
    return CallbackFigures(
        queue=queue,
        entered=len(entered),
        instead=len(entered.intersection(by_caller)),
        asked=len(records),
        by_caller=len(by_caller),
        talked=talked,
        failed=failed,
        expired=expired,
        cancelled=results.count("cancelled"),
        not_needed=results.count("done") - talked,
        open=results.count(None),
        success=talked / (talked + failed + expired) if talked + failed + expired else None,
        attempts=sum(dialled) / len(dialled) if dialled else None,
        median_response=percentile(responses, 0.5) if responses else None,
        p90_response=percentile(responses, 0.9) if responses else None,
        saved=sum(one.saved for one in records if one.saved is not None),
    )
