"""Who was kept ringing, as the CLI tells it: from the journal alone, with no daemon there."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from callhandler.cli import main
from callhandler.core import events as e
from callhandler.core.model import Outcome, RingEnd
from callhandler.core.ringing import ringing_figures
from callhandler.core.views import Counts
from callhandler.report import sentences
from callhandler.report.tables import status_table
from callhandler.report.waits import ringing_table
from tests.unit.cli.journals import kept
from tests.unit.cli.test_tables import UTC, told
from tests.unit.control.fake_desk import STATUS

LET_IN, GONE, STILL, AT_ONCE = "pbx1-1800000000.1", "pbx1-1800000000.2", "pbx1-1800000000.3", "pbx1-1800000000.4"


def came(call: str, at: float) -> e.CallArrived:
    return e.CallArrived(
        at=at, call=call, channel="c", number="5000", caller_number="1", caller_name="", source="trunk:pstn"
    )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four callers of this minute: one rang for 30 s and was answered, one hung up after 12 s, one rings, one was answered at once."""
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "callhandler.toml").touch()
    (tmp_path / "var").mkdir()
    at = time.time() - 60
    facts: list[e.Fact] = [
        came(LET_IN, at),
        e.CallKeptRinging(at=at, call=LET_IN, late=True),
        came(GONE, at),
        e.CallKeptRinging(at=at, call=GONE, late=False),
        e.CallRang(at=at + 12, call=GONE, rang=12.0, reason=RingEnd.CALLER_LEFT),
        e.CallEnded(at=at + 12, call=GONE, outcome=Outcome.ABANDONED, reason="hung up"),
        e.CallRang(at=at + 30, call=LET_IN, rang=30.0, reason=RingEnd.LET_IN),
        came(STILL, at + 31),
        e.CallKeptRinging(at=at + 31, call=STILL),
        came(AT_ONCE, at + 32),
    ]
    kept(tmp_path, facts)
    return tmp_path


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (LET_IN, "no time left for it; it rang for 0:30: then it was let in, and answered"),
        (GONE, "no room left for it; it rang for 0:12: the caller hung up before it was let in"),
        (STILL, "no time or no room left for it; it rings since then, and isn't answered yet"),
    ],
)
def test_explain_says_that_it_rang_and_why(
    site: Path, capsys: pytest.CaptureFixture[str], call: str, shown: str
) -> None:
    assert main(["explain", call, "--site", str(site)]) == 0
    assert f"the machine had {shown}" in capsys.readouterr().out


def test_explain_says_nothing_of_ringing_where_there_was_none(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", AT_ONCE, "--site", str(site)]) == 0
    assert "the machine" not in capsys.readouterr().out


def test_explain_for_machines_is_the_decisions_as_before(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", LET_IN, "--json", "--site", str(site)]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_past_calls_show_how_long_they_rang(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calls", "--last", "9", "--site", str(site)]) == 0
    assert "rang" in (shown := capsys.readouterr().out) and "0:12" in shown and "abandoned" in shown
    assert main(["calls", GONE, "--site", str(site)]) == 0
    assert "kept ringing  0:12" in capsys.readouterr().out
    assert main(["calls", AT_ONCE, "--site", str(site)]) == 0
    assert "ringing" not in capsys.readouterr().out


def test_the_live_log_tells_when_it_begins_and_when_it_is_over() -> None:
    facts = (
        e.CallKeptRinging(at=0.0, call=GONE, late=False),
        e.CallRang(at=12.0, call=GONE, rang=12.0, reason=RingEnd.CALLER_LEFT),
    )
    assert [sentences.of_call(fact) for fact in facts] == [
        "rings: the machine has no room left for it",
        "rang for 0:12: caller left",
    ]


def test_status_counts_who_rings_only_when_somebody_does() -> None:
    assert "3 here, 2 ringing, 1 waiting" in told(
        status_table(replace(STATUS, counts=Counts(calls=3, ringing=2, waiting=1)), UTC)
    )
    assert "ringing" not in told(status_table(replace(STATUS, counts=Counts(calls=3, waiting=1)), UTC))


def test_figures_hour_by_hour(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queues", "ringing", "--json", "--site", str(site)]) == 0
    hours = json.loads(capsys.readouterr().out)
    first = hours[0]
    assert first["calls"] in (2, 3, 4), "the hour may have ended between them"
    assert (first["rang"], first["answered"], first["hung_up"], first["short"], first["other"]) == (2, 1, 1, 0, 0)
    assert (first["median_answered"], first["longest_answered"]) == (30.0, 30.0)
    assert (first["median_hung_up"], first["longest_hung_up"], first["longest_call"]) == (12.0, 12.0, LET_IN)
    assert main(["queues", "ringing", "--site", str(site)]) == 0
    assert "0:30, 0:30" in capsys.readouterr().out


def test_rings_that_nobody_notices_are_shown_as_under_a_second() -> None:
    ends = [e.CallRang(at=9.0, call=LET_IN, rang=0.02, reason=RingEnd.LET_IN)]
    assert "<0:01, <0:01" in told(ringing_table(ringing_figures(ends, {}), UTC))
    assert sentences.of_call(ends[0]) == "rang for <0:01: let in"


def test_where_nobody_rang_that_is_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "callhandler.toml").touch()
    (tmp_path / "var").mkdir()
    kept(tmp_path, [came(AT_ONCE, time.time())])
    assert main(["queues", "ringing", "--site", str(tmp_path)]) == 0
    assert "nobody was kept ringing" in capsys.readouterr().out
