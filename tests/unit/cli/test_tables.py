"""What the tables of `status` and `agents` say of things that look well and aren't."""

from dataclasses import replace
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console, RenderableType

from callhandler.core import events as e
from callhandler.core.model import Device, Outcome, RingEnd, State
from callhandler.core.views import AlarmView, CallState, PublisherView
from callhandler.report.tables import agents_table, call_details, calls_table, records_table, status_table
from callhandler.store.reading import record_of
from tests.unit.control.fake_desk import AGENT, CALL, STATUS

UTC = ZoneInfo("UTC")


def told(table: RenderableType) -> str:
    """Return a table as plain text, its blanks drawn together."""
    text = StringIO()
    Console(file=text, width=120).print(table)
    return " ".join(text.getvalue().split())


@pytest.mark.parametrize(
    ("state", "device", "shown"),
    [
        (State.IDLE, Device.FREE, "available idle"),
        (State.IDLE, Device.UNREACHABLE, "available unreachable"),
        (State.IDLE, Device.IN_USE, "available in use"),
        (State.IDLE, Device.RINGING, "available ringing"),
        (State.IDLE, None, "available idle"),
        (State.TALKING, Device.UNREACHABLE, "available talking"),
    ],
)
def test_an_agent_whose_phone_is_away_or_in_use_is_not_idle(state: State, device: Device | None, shown: str) -> None:
    assert shown in told(agents_table([replace(AGENT, state=state, device=device)], UTC))


@pytest.mark.parametrize(
    ("queue", "menu", "shown"),
    [("sales", None, "5000 sales"), (None, "main", "5000 menu main"), (None, None, "5000 0:")],
)
def test_a_call_in_a_menu_is_in_no_queue_of_that_name(queue: str | None, menu: str | None, shown: str) -> None:
    view = replace(CALL, queue=queue, menu=menu, number="5000", position=None, waited=3.0)
    assert shown in told(calls_table([view], UTC))


def test_a_call_that_is_elsewhere_is_where_it_was_sent() -> None:
    view = replace(CALL, state=CallState.ELSEWHERE, queue=None, menu=None, sent_to="agent:7002", number="5000")
    assert "5000 agent:7002" in told(calls_table([view], UTC))


@pytest.mark.parametrize(
    ("name", "connected", "kept", "dropped", "shown"),
    [
        ("mqtt", True, 0, 0, "mqtt connected"),
        ("mqtt", False, 3, 1, "mqtt away, 3 events kept, 1 events dropped"),
        ("mail", True, 0, 0, "mail no trouble seen"),
        ("mail", False, 2, 0, "mail away, 2 messages kept"),
    ],
)
def test_a_mail_server_nobody_has_spoken_to_is_not_called_connected(
    name: str, connected: bool, kept: int, dropped: int, shown: str
) -> None:
    publisher = PublisherView(name=name, connected=connected, kept=kept, dropped=dropped)
    assert shown in told(status_table(replace(STATUS, publishers=(publisher,)), UTC))


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ([], "(nobody called: `callhandler callbacks show c1`)"),
        (
            [e.CallEntered(at=1.0, call="c1", queue="q", entered=1.0, priority=5, bonus=0.0, wants="")],
            "(its beginning was not seen)",
        ),
    ],
)
def test_a_callback_asked_for_by_hand_is_no_call_of_which_something_is_missing(
    before: list[e.Fact], shown: str
) -> None:
    end = e.CallEnded(at=2.0, call="c1", outcome=Outcome.CALLBACK, reason=e.ADDED_BY_HAND, cause=0)
    text = told(call_details(record_of("c1", [*before, end]), UTC)[0])
    assert shown in text
    assert "by way of" not in text


def test_what_came_of_a_feature_code_is_told() -> None:
    wrong = e.HandsetUsed(at=1.0, call="c1", code="login", phone="101", agent="7003", reason="wrong PIN")
    end = e.CallEnded(at=2.0, call="c1", outcome=Outcome.HANDSET, reason="", cause=16)
    assert "to log in as agent 7003: wrong PIN" in told(call_details(record_of("c1", [wrong, end]), UTC)[0])


@pytest.mark.parametrize(("rang", "shown"), [(0.02, False), (0.6, True)])
def test_who_was_let_in_at_once_does_not_look_kept(rang: float, shown: bool) -> None:
    facts = [
        e.CallKeptRinging(at=1.0, call="c1"),
        e.CallRang(at=1.0 + rang, call="c1", rang=rang, reason=RingEnd.LET_IN),
        e.CallEnded(at=9.0, call="c1", outcome=Outcome.ANSWERED, reason="", cause=16),
    ]
    record = record_of("c1", facts)
    assert ("kept ringing" in told(call_details(record, UTC)[0])) is shown
    assert ("rang" in told(records_table([record], UTC))) is shown


def test_of_very_many_kinds_of_alarms_the_last_are_listed_and_all_are_counted() -> None:
    alarms = tuple(AlarmView(kind="disk", reason=f"full {number}", at=float(number)) for number in range(25))
    text = told(status_table(replace(STATUS, alarms=alarms), UTC))
    assert "of 25 kinds in the last day; 5 before these" in text
    assert ("full 4" in text, "full 5" in text, "full 24" in text) == (False, True, True)


def test_alarms_of_one_kind_and_queue_are_one_line() -> None:
    one = AlarmView(kind="busy", reason="late", at=5.0)
    text = told(status_table(replace(STATUS, alarms=(one, replace(one, queue="sales", count=1_340, at=9.0))), UTC))
    assert "00:00:05 busy: late" in text
    assert "00:00:09 busy in queue sales, 1,340 in the last day, the last: late" in text


def test_a_planned_end_is_told() -> None:
    assert "ending" not in told(status_table(STATUS, UTC))
    assert "no new calls are taken" in told(status_table(replace(STATUS, ending=True), UTC))
