"""How people were looked after, as the CLI tells it: from the journal alone, with no daemon there."""

import json
import time
from pathlib import Path

import pytest

from callhandler.cli import main
from callhandler.core import events as e
from callhandler.core.model import Outcome, Where
from tests.unit.cli.journals import kept

CALL = "pbx1-1800000000.1"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A wait of 200 s with words that end at 58 and 180: 122 s of silence, twenty minutes ago."""
    (tmp_path / "callhandler.toml").write_text("[waiting]\ncheck_in_at_most = 90\n")
    (tmp_path / "var").mkdir()
    at = time.time() - 1_200

    def word(ended: float, said: str, cut_by: str = "") -> e.CheckedIn:
        begins = at + ended - 5
        return e.CheckedIn(
            at=at + ended, call=CALL, where=Where.IN_LINE, due=begins, started=begins, said=said, cut_by=cut_by
        )

    facts: list[e.Fact] = [
        e.CallArrived(
            at=at, call=CALL, channel="c", number="5000", caller_number="1", caller_name="", source="trunk:pstn"
        ),
        e.CallEntered(at=at, call=CALL, queue="q", entered=at, priority=5, bonus=0.0, wants=""),
        e.EstimateMade(at=at, call=CALL, queue="q", method="queue length", seconds=150.0, ahead=0, most=300.0),
        word(58, "thanks-1 place"),
        e.CheckInBreached(
            at=at + 148, call=CALL, where=Where.IN_LINE, since=at + 58, silent=90.0, reason="the daemon was away"
        ),
        word(180, "thanks-2 place"),
        e.CallConnected(at=at + 200, call=CALL, leg=f"{CALL}-o1", agent="7001", queue="q", waited=200.0),
        e.CallEnded(at=at + 260, call=CALL, outcome=Outcome.ANSWERED, reason="caller hung up"),
    ]
    kept(tmp_path, facts)
    return tmp_path


def test_holdproof_shows_every_word_silence_and_breach(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["holdproof", CALL, "--site", str(site)]) == 1, "the promise was broken"
    shown = capsys.readouterr().out
    for words in ("thanks-1 place", "thanks-2 place", "122.0", "the daemon was away", "answered"):
        assert words in shown
    assert "longest silence 122.0 s, promised at most 90 s: broken, cause above" in shown


def test_holdproof_for_machines(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["holdproof", "1800000000", "--json", "--site", str(site)]) == 1
    evidence = json.loads(capsys.readouterr().out)
    assert (evidence["kept"], evidence["explained"]) == (False, True)
    assert [round(silence) for silence in evidence["stays"][0]["silences"]] == [58, 122, 20]


def test_holdproof_of_a_promise_that_was_kept_is_0(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "callhandler.toml").write_text("[waiting]\ncheck_in_at_most = 130\n")
    assert main(["holdproof", CALL, "--site", str(site)]) == 0
    assert "kept" in capsys.readouterr().out


def test_no_such_call_is_1(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["holdproof", "nope", "--site", str(site)]) == 1
    assert capsys.readouterr().err == "the journal knows no call nope\n"


def test_check_ins_summed_up(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queues", "checkins", "--site", str(site)]) == 0
    shown = capsys.readouterr().out
    assert "1 the daemon was away" in shown
    assert "0 (0%)" in shown
    assert main(["queues", "checkins", "--json", "--site", str(site)]) == 0
    (figures,) = json.loads(capsys.readouterr().out)
    assert (figures["long"], figures["kept"], figures["longest_call"]) == (1, 0, CALL)
    assert figures["median_wait"] == figures["p99_wait"] == pytest.approx(200.0)


def test_estimates_hour_by_hour(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queues", "estimate", "--site", str(site)]) == 0
    assert "-0:50" in capsys.readouterr().out
    assert main(["queues", "estimate", "--json", "--site", str(site)]) == 0
    (figures,) = json.loads(capsys.readouterr().out)
    assert (figures["error"], figures["bias"], figures["right"]) == (
        pytest.approx(50.0),
        pytest.approx(-50.0),
        1.0,
    )


def test_where_nobody_waited_that_is_what_it_says(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "var" / "journal.db").unlink()
    kept(site, [])
    for words, said in ((["queues", "checkins"], "nobody waited"), (["queues", "estimate"], "no estimate yet")):
        assert main([*words, "--site", str(site)]) == 0
        assert said in capsys.readouterr().out
