"""`callhandler callbacks`: open ones from the daemon, past ones from the journal alone."""

import csv
import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callhandler.cli import main
from callhandler.cli.callbacks import due_at
from callhandler.core.events import (
    CallbackDialled,
    CallbackEnded,
    CallbackRequested,
    CallbackRescheduled,
    CallConnected,
    CallEnded,
    PromiseSettled,
)
from callhandler.core.model import CallbackState, Outcome
from callhandler.core.plain import to_plain
from callhandler.report.callbacks import callbacks_table
from tests.unit.cli.journals import kept
from tests.unit.cli.test_cli import Daemon
from tests.unit.control.fake_desk import CALL, CALLBACK


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CALLHANDLER_SITE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "callhandler.toml").write_text('[company]\ntime_zone = "Europe/Berlin"\n')
    return tmp_path


@pytest.fixture
def daemon(site: Path) -> Iterator[Daemon]:
    daemon = Daemon(site)
    yield daemon
    daemon.stop()


def promised(call: str, at: float, promise: float) -> CallbackRequested:
    """Somebody asks to be called back by a time."""
    return CallbackRequested(
        at=at, call=call, queue="sales", number="+12025550123", confirmed=True, entered=at - 60.0, priority=5, bonus=0.0,
        wants="", language="en", caller_name="", due=promise - 900.0, promise=promise, expires=at + 200_000.0, reason="asked",
        by="caller",
    )  # fmt: skip


@pytest.fixture
def journal(site: Path) -> Path:
    (site / "var").mkdir(exist_ok=True)
    at = time.time() - 3_600.0
    asked = CallbackRequested(
        at=at, call=CALL.id, queue="sales", number="+12025550123", confirmed=True, entered=at - 60.0, priority=5, bonus=0.0,
        wants="", language="en", caller_name="=Ann\x1b[31m", due=None, promise=None, expires=at + 86_400.0, reason="asked",
        by="caller",
    )  # fmt: skip
    then = (
        CallEnded(at=at + 5, call=CALL.id, outcome=Outcome.CALLBACK, reason=""),
        CallbackDialled(at=at + 100, call=CALL.id, leg="x-d1", agent="7001", number="+12025550123", attempt=1),
        CallConnected(at=at + 120, call=CALL.id, leg="x-o1", agent="7001", queue="sales", waited=180.0),
        CallbackEnded(at=at + 200, call=CALL.id, result="done", reason="Normal Clearing", talked=80.0),
    )
    kept(site, [asked, *then])
    return site


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["list"], [CALLBACK]),
        ([], [CALLBACK]),
        (["add", "sales", "2025550123", "--name", "Bob"], [replace(CALLBACK, number="2025550123", caller_name="Bob")]),
        (["run", CALL.id], [CALLBACK]),
        (["cancel", CALL.id, "--reason", "no need"], {"done": True}),
    ],
)
def test_json_for_machines(
    site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str], words: list[str], answer: object
) -> None:
    assert main(["callbacks", *words, "--json", "--site", str(site)]) == 0
    assert json.loads(capsys.readouterr().out) == to_plain(answer)


def test_a_table_for_people(site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "--site", str(site)]) == 0
    shown = capsys.readouterr().out
    assert "Ann +12025550123" in shown
    assert "1 of 3, no answer" in shown


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (CallbackState.RESTING, "1 of 3, no answer"),
        (CallbackState.OFFERED, "1 of 3, no answer"),
        (CallbackState.DIALLED, "2 of 3"),
        (CallbackState.TALKING, "2 of 3"),
    ],
)
def test_the_attempt_that_is_under_way_counts(state: CallbackState, shown: str) -> None:
    view = replace(CALLBACK, state=state, attempts=1, most=3, last_failure="no answer")
    cells = callbacks_table([view], ZoneInfo("UTC"), 0.0).columns[8].cells
    assert [str(cell) for cell in cells] == [shown]


def test_a_time_is_the_next_of_the_site_s_clock(site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "reschedule", CALL.id, "15:30", "--json", "--site", str(site)]) == 0
    due = json.loads(capsys.readouterr().out)[0]["due"]
    assert time.time() < due <= time.time() + 86_400 + 3_600
    assert due % 1_800 == 0
    assert main(["callbacks", "reschedule", CALL.id, "soon", "--site", str(site)]) == 2


def test_a_time_may_name_its_day(site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    at = "2099-06-01 15:30"
    assert main(["callbacks", "reschedule", CALL.id, at, "--json", "--site", str(site)]) == 0
    due = json.loads(capsys.readouterr().out)[0]["due"]
    assert datetime.fromtimestamp(due, ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%d %H:%M") == at
    assert main(["callbacks", "reschedule", CALL.id, "2020-06-01 15:30", "--site", str(site)]) == 2
    assert "is over" in capsys.readouterr().err
    assert main(["callbacks", "reschedule", CALL.id, "2099-02-30 15:30", "--site", str(site)]) == 2


@pytest.mark.parametrize(
    ("now", "at", "due"),
    [
        ("2026-10-25T00:00+02:00", "02:30", "2026-10-25T02:30+02:00"),
        ("2026-10-24T00:00+02:00", "2026-10-25 02:30", "2026-10-25T02:30+02:00"),
        ("2026-10-25T02:40+02:00", "02:30", "2026-10-25T02:30+01:00"),
        ("2026-10-25T02:10+01:00", "02:30", "2026-10-25T02:30+01:00"),
        ("2026-10-25T02:40+01:00", "02:30", "2026-10-26T02:30+01:00"),
        ("2026-10-24T02:40+02:00", "02:30", "2026-10-25T02:30+02:00"),
    ],
)
def test_of_an_hour_that_comes_twice_the_next_to_come_is_meant(now: str, at: str, due: str) -> None:
    found = due_at(at, ZoneInfo("Europe/Berlin"), datetime.fromisoformat(now).timestamp())
    assert found == datetime.fromisoformat(due).timestamp()


def test_times_of_another_day_are_shown_with_it(site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "reschedule", CALL.id, "2099-06-01 15:30", "--site", str(site)]) == 0
    assert "2099-06-01 15:30" in capsys.readouterr().out


def test_figures_of_past_ones_without_a_daemon(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "figures", "--json", "--site", str(journal)]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    counted = {name: one[name] for name in ("queue", "asked", "by_caller", "talked", "failed", "open", "success")}
    assert counted == {
        "queue": "sales", "asked": 1, "by_caller": 1, "talked": 1, "failed": 0, "open": 0, "success": 1.0,
    }  # fmt: skip
    assert (one["attempts"], one["median_response"], one["p90_response"], one["saved"]) == (1.0, 180.0, 180.0, 120.0)
    assert main(["callbacks", "figures", "--site", str(journal)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "talked 1" in shown
    assert "response p50, p90 3:00, 3:00" in shown
    assert main(["callbacks", "figures", "--days", "0.01", "--site", str(journal)]) == 0
    assert capsys.readouterr().out == "no callbacks\n"


def test_explain_says_until_when_a_callback_is_offered_to_nobody_and_why(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "var").mkdir(exist_ok=True)
    at = datetime(2026, 11, 22, 20, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    put_off = CallbackRescheduled(at=at, call="p", due=at + 13 * 3_600.0, reason="not in calling hours: after hours")
    over = CallEnded(at=at - 60.0, call="p", outcome=Outcome.CALLBACK, reason="")
    kept(site, [promised("p", at - 90.0, at), over, put_off])
    assert main(["explain", "p", "--site", str(site)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "no agent was looked for" in shown
    waits = (
        "callback waits until 2026-11-23 09:00: not in calling hours: after hours; until then it is offered to nobody"
    )
    assert f"2026-11-22 20:00:00 {waits}" in shown


def test_promises_kept_and_broken_day_by_day(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "promises", "--site", str(journal)]) == 0
    assert "no times promised" in capsys.readouterr().out
    now = time.time()
    promises = [
        promised(f"p{number}", now - 7_200.0, promise)
        for number, promise in enumerate((now - 600.0, now - 300.0, now + 86_400.0))
    ]
    kept(journal, [*promises, PromiseSettled(at=now - 700.0, call="p0", promise=now - 600.0, kept=True, late=0.0)])
    assert main(["callbacks", "promises", "--days", "3", "--json", "--site", str(journal)]) == 0
    figures = json.loads(capsys.readouterr().out)
    totals = [sum(one[name] for one in figures) for name in ("made", "kept", "broken", "open", "not_needed")]
    assert totals == [3, 1, 1, 1, 0]
    assert main(["callbacks", "promises", "--site", str(journal)]) == 0
    assert f"{datetime.fromtimestamp(now + 86_400.0, ZoneInfo('Europe/Berlin')):%Y-%m-%d}" in capsys.readouterr().out


def test_what_is_refused_is_said_in_a_sentence(site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "add", "sales", "112", "--site", str(site)]) == 1
    assert "emergency number" in capsys.readouterr().err
    assert main(["callbacks", "cancel", "no-such-call", "--site", str(site)]) == 1


def test_past_ones_without_a_daemon(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "show", CALL.id, "--site", str(journal)]) == 0
    shown = capsys.readouterr().out
    assert "done: Normal Clearing" in shown
    assert "3:00" in shown
    assert "\x1b" not in shown
    assert main(["callbacks", "export", "--site", str(journal)]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["result"], row["attempts"], row["response"], row["saved"]) == ("done", "1", "180.0", "120.0")
    assert row["caller_name"].startswith("'=Ann"), "no formula for a spreadsheet"
    assert main(["callbacks", "show", "nobody", "--site", str(journal)]) == 1
    assert main(["callbacks", "list", "--site", str(journal)]) == 3


def test_a_table_of_none_has_the_columns_of_one_of_many(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heads = []
    for days in ("30", "0.01"):
        assert main(["callbacks", "export", "--days", days, "--site", str(journal)]) == 0
        heads.append(capsys.readouterr().out.splitlines()[0])
    assert heads[0] == heads[1]
    assert heads[1].startswith("call,queue,number,")
