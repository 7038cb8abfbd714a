"""What callbacks came to: who talked, who failed, whom nobody had to call any more; by queue."""

from dataclasses import replace
from pathlib import Path

from callhandler.core import events as e
from callhandler.store.callback_figures import callback_figures, entered_between
from callhandler.store.callbacks import AttemptRecord, CallbackRecord
from callhandler.store.journal import Journal
from callhandler.store.sources import open_source

URL = "sqlite:///journal.db"


def record(
    result: str | None, *, response: float | None = None, attempts: int = 0, by: str = "caller", queue: str = "q"
) -> CallbackRecord:
    return CallbackRecord(
        call="c", queue=queue, number="+1", confirmed=True, caller_name="", by=by, entered=0.0, requested=100.0, due=None, promise=None,
        kept=None, attempts=(AttemptRecord(at=1.0, agent="a", result=None),) * attempts, agent=None,
        connected=response, talked=0.0, ended=None, result=result, reason="", response=response,
        saved=None if response is None else response - 100.0,
    )  # fmt: skip


def test_each_counts_once() -> None:
    records = [
        record("done", response=300.0, attempts=1),
        record("done", response=500.0, attempts=2),
        record("done"),
        record("failed", attempts=3),
        record("expired", by="callhandler"),
        record("cancelled"),
        record(None, by="Ann"),
        record(None, queue="other"),
    ]
    other, one = callback_figures(records, {"q": {str(number) for number in range(20)}})
    assert (other.queue, other.asked, other.open, other.success, other.attempts, other.median_response) == (
        "other", 1, 1, None, None, None,
    )  # fmt: skip
    results = (one.talked, one.failed, one.expired, one.cancelled, one.not_needed, one.open)
    assert results == (2, 1, 1, 1, 1, 1)
    assert sum(results) == one.asked == 7
    assert (one.entered, one.by_caller, one.success, one.attempts) == (20, 5, 0.5, 2.0)
    assert (one.median_response, one.p90_response, one.saved) == (300.0, 500.0, 600.0)


def test_who_asked_without_having_been_in_line_is_no_part_of_those_who_were() -> None:
    closed = [replace(record(None), call=call) for call in ("x", "y", "z")]
    (one,) = callback_figures([*closed, record(None), replace(record(None, by="Ann"), call="b")], {"q": {"b", "c"}})
    assert (one.by_caller, one.entered, one.instead) == (4, 2, 1)


async def test_a_call_that_enters_a_line_twice_is_one_caller_there(tmp_path: Path) -> None:
    async with Journal(URL, "pbx1", tmp_path) as journal:
        for at, call, queue in (
            (5.0, "a", "q"),
            (9.0, "a", "q"),
            (9.0, "b", "q"),
            (9.0, "b", "other"),
            (20.0, "c", "q"),
        ):
            journal.append(e.CallEntered(at=at, call=call, queue=queue, entered=at, priority=5, bonus=0.0, wants=""))
    with open_source(URL, tmp_path) as source:
        assert entered_between(source, 5.0, 20.0) == {"q": {"a", "b"}, "other": {"b"}}
