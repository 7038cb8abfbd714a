"""How well promises were kept, day by day: kept, broken, still open, not needed; days are those of the site's clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from callhandler.core import events as e
from callhandler.core.promises import PromiseFigures, promise_figures

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def asked(call: str, promise: str | None) -> e.CallbackRequested:
    until = None if promise is None else at(promise)
    return e.CallbackRequested(
        at=at("2026-03-03T17:00"), call=call, queue="q", number="+1", confirmed=True, entered=0.0, priority=5, bonus=0.0, wants="",
        language="en", caller_name="", due=None, promise=until, expires=at("2026-03-09T17:00"), reason="asked", by="caller",
    )  # fmt: skip


def settled(call: str, promise: str, late: float) -> e.PromiseSettled:
    return e.PromiseSettled(at=at(promise) + late, call=call, promise=at(promise), kept=late <= 0, late=max(0.0, late))


def ended(call: str, result: str) -> e.CallbackEnded:
    return e.CallbackEnded(at=at("2026-03-03T18:00"), call=call, result=result, reason="", by="", talked=0.0)


FACTS: list[e.Fact] = [
    asked("kept", "2026-03-04T09:15"),
    asked("late", "2026-03-04T09:15"),
    asked("never settled", "2026-03-04T10:00"),
    asked("not yet", "2026-03-04T16:00"),
    asked("cancelled", "2026-03-04T11:00"),
    asked("without a time", None),
    asked("at night", "2026-03-03T23:30"),
    settled("kept", "2026-03-04T09:15", -300.0),
    settled("late", "2026-03-04T09:15", 120.0),
    settled("at night", "2026-03-03T23:30", 0.0),
    ended("kept", "done"),
    ended("late", "failed"),
    ended("cancelled", "cancelled"),
    asked("old", "2026-03-03T20:00"),
]


def test_each_promise_is_counted_on_the_day_it_was_for() -> None:
    figures = promise_figures(FACTS, BERLIN, at("2026-03-03T23:00"), at("2026-03-04T12:00"))
    assert figures == [
        PromiseFigures(day="2026-03-04", made=6, kept=2, broken=2, open=1, not_needed=1, share=0.5, latest=2 * 3_600.0)
    ], "half past eleven at night in London is tomorrow in Berlin"


def test_what_ended_without_a_call_and_was_not_called_off_is_broken() -> None:
    facts = [asked("lost its line", "2026-03-04T11:00"), ended("lost its line", "failed")]
    (day,) = promise_figures(facts, BERLIN, 0.0, at("2026-03-04T12:00"))
    assert (day.broken, day.not_needed, day.share) == (1, 0, 0.0)


def test_what_is_to_come_has_no_share() -> None:
    (day,) = promise_figures(FACTS[3:4], BERLIN, 0.0, at("2026-03-04T12:00"))
    assert (day.made, day.open, day.share, day.latest) == (1, 1, None, 0.0)


def test_a_call_s_second_callback_is_a_promise_of_its_own() -> None:
    again = [asked("c", "2026-03-04T09:15"), settled("c", "2026-03-04T09:15", 0.0), ended("c", "done")]
    (day,) = promise_figures([*again, asked("c", "2026-03-04T14:00")], BERLIN, 0.0, at("2026-03-04T12:00"))
    assert (day.made, day.kept, day.open) == (2, 1, 1)


def put_off(call: str, promise: str) -> e.CallbackRescheduled:
    until = at(promise)
    return e.CallbackRescheduled(
        at=at("2026-03-04T08:00"), call=call, due=until - 900, reason="said Ann", promise=until
    )


def test_a_promise_that_is_put_off_is_one_for_its_new_time() -> None:
    facts = [asked("c", "2026-03-04T09:15"), put_off("c", "2026-03-05T09:15"), put_off("c", "2026-03-06T09:15")]
    (day,) = promise_figures([*facts, settled("c", "2026-03-06T09:15", 0.0)], BERLIN, 0.0, at("2026-03-07T12:00"))
    assert (day.day, day.made, day.kept) == ("2026-03-06", 1, 1)


def test_one_that_was_broken_when_it_was_put_off_stays_so() -> None:
    facts = [
        asked("c", "2026-03-04T07:15"),
        settled("c", "2026-03-04T07:15", 2_700.0),
        put_off("c", "2026-03-05T09:15"),
    ]
    first, second = promise_figures(facts, BERLIN, 0.0, at("2026-03-04T12:00"))
    assert (first.made, first.broken, second.made, second.open) == (1, 1, 1, 1)
