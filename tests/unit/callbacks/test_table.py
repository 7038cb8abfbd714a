"""The table of what may happen to a callback is total, and the caps are counted over any hour and any day."""

from hypothesis import given
from hypothesis import strategies as st

from callhandler.core import events as e
from callhandler.core.callback import UNDER_WAY
from callhandler.core.callback_limits import DAY, HOUR, Ledger
from callhandler.core.callback_table import TABLE, Trigger
from callhandler.core.model import CallbackRules, CallbackState, Outcome


def test_every_state_answers_every_trigger() -> None:
    assert TABLE.keys() == {(state, trigger) for state in CallbackState for trigger in Trigger}
    assert all(isinstance(answer, CallbackState) or answer.reason for answer in TABLE.values())


def test_nobody_is_dialled_but_for_an_agent_who_was_told_or_as_the_first_whose_turn_it_is() -> None:
    into = {
        (state, trigger) for (state, trigger), to in TABLE.items() if to is CallbackState.DIALLED and state is not to
    }
    assert into == {(CallbackState.ANNOUNCED, Trigger.DIAL), (CallbackState.OFFERED, Trigger.DIAL_FIRST)}


def test_only_who_waits_is_offered_first() -> None:
    starts = {
        state
        for (state, trigger), to in TABLE.items()
        if trigger is Trigger.OFFER and to in UNDER_WAY and state not in UNDER_WAY
    }
    assert starts == {CallbackState.WAITING}


def dialled(at: float) -> e.CallbackDialled:
    return e.CallbackDialled(at=at, call="c", leg="c-d1", agent=None, number="+1", attempt=1)


def test_caps_of_an_hour_and_a_day() -> None:
    rules = CallbackRules(per_hour=2, per_day=3)
    ledger = Ledger()
    for at in (0.0, 100.0):
        ledger.apply(dialled(at))
    until = ledger.obstacle(rules, 200.0)
    assert until is not None
    assert until.at == HOUR
    assert ledger.obstacle(rules, HOUR) is None
    ledger.apply(dialled(HOUR))
    until = ledger.obstacle(rules, 2 * HOUR)
    assert until is not None
    assert until.at == DAY


def test_the_cap_of_minutes() -> None:
    rules = CallbackRules(minutes_per_day=10)
    ledger = Ledger()
    for at in (1_000.0, 2_000.0):
        ledger.apply(e.CallbackEnded(at=at, call="c", result="done", reason="", talked=300.0))
    until = ledger.obstacle(rules, 3_000.0)
    assert until is not None
    assert until.at == 1_000.0 + DAY
    assert ledger.obstacle(rules, 1_000.0 + DAY) is None


def test_overflow_counts_as_a_call_out_and_its_minutes_too() -> None:
    rules = CallbackRules(minutes_per_day=10, per_hour=2)
    ledger = Ledger()
    for call, at in (("a", 1_000.0), ("b", 2_000.0)):
        ledger.apply(e.OutsideDialled(at=at, call=call, queue="over", number="+1"))
        assert ledger.outside_now() == 1
        ledger.apply(e.ExtensionConnected(at=at, call=call, channel="PJSIP/x"))
        ledger.apply(e.CallEnded(at=at + 300.0, call=call, outcome=Outcome.EXTENSION, reason=""))
    assert ledger.outside_now() == 0
    until = ledger.obstacle(rules, 2_400.0)
    assert until is not None
    assert (until.at, until.reason) == (1_000.0 + HOUR, "2 calls went out within an hour")
    until = ledger.obstacle(rules, 2_000.0 + HOUR)
    assert until is not None
    assert (until.at, until.reason) == (1_300.0 + DAY, "10 minutes were talked on calls out within a day")


@given(st.lists(st.floats(0, 3 * DAY), max_size=60), st.integers(1, 5), st.integers(1, 12))
def test_never_more_within_any_window(times: list[float], per_hour: int, per_day: int) -> None:
    rules, ledger, made = CallbackRules(per_hour=per_hour, per_day=per_day), Ledger(), []
    for at in sorted(times):
        if ledger.obstacle(rules, at) is None:
            ledger.apply(dialled(at))
            made.append(at)
    for at in made:
        assert sum(at - HOUR < one <= at for one in made) <= per_hour
        assert sum(at - DAY < one <= at for one in made) <= per_day
