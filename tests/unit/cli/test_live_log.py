"""The live log: lines for people, however strange what stands in them, and files that are moved away."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callhandler.cli.live_log import Follower, Once, asterisk_line, daemon_line
from callhandler.core import events as e
from callhandler.core.model import Outcome
from callhandler.report.sentences import Telling

ZONE = ZoneInfo("Europe/Berlin")


def test_a_line_of_the_daemon() -> None:
    line = {
        "event": "agent offered",
        "level": "info",
        "timestamp": "2026-01-02T03:04:05Z",
        "part": "line",
        "agent": "7001",
    }
    shown = daemon_line(json.dumps(line), ZONE)
    assert shown is not None
    assert shown.plain.startswith("04:04:05 line"), "the site's clock"
    assert "agent offered  agent=7001" in shown.plain


def test_nothing_in_it_moves_the_cursor_or_is_taken_for_markup() -> None:
    shown = daemon_line(json.dumps({"event": "a\x1b[2Jb\nc", "level": "error", "name": "[red]x[/]\r"}), ZONE)
    assert shown is not None
    assert not set("\x1b\n\r") & set(shown.plain)
    assert "[red]x[/]" in shown.plain


def test_what_is_no_line_is_passed_over() -> None:
    assert daemon_line("{half a li", ZONE) is None
    assert daemon_line("[1, 2]", ZONE) is None
    assert asterisk_line("[2026-01-01 10:00:00.123] NOTICE[1] loader.c: 93 modules will be loaded.", ZONE) is None


@pytest.fixture
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_tokyo")
def test_a_warning_of_asterisk() -> None:
    shown = asterisk_line("[2026-01-01 10:00:00.123] WARNING[12][C-00000001] chan.c: something is odd", ZONE)
    assert shown is not None
    assert shown.plain.startswith("02:00:00 asterisk"), "ten in Tokyo, where the machine is"
    assert shown.plain.endswith("something is odd")


def test_what_asterisk_warns_of_and_means_nothing_is_kept_out() -> None:
    says = "The FD we were waiting for has something waiting. Waitfordigit returning numeric 1"
    assert asterisk_line(f"[2026-01-01 10:00:00.123] WARNING[12][C-00000001] channel.c: {says}", ZONE) is None


def test_following_begins_at_the_end_and_survives_rotation(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    follower = Follower(path)
    assert list(follower.lines()) == []
    with path.open("a") as log:
        log.write("one\ntw")
    assert list(follower.lines()) == ["one"]
    with path.open("a") as log:
        log.write("o\n")
    assert list(follower.lines()) == ["two"]
    path.rename(tmp_path / "log.1")
    assert list(follower.lines()) == []
    path.write_text("new\n")
    assert list(follower.lines()) == ["new"]


def test_what_asterisk_says_of_every_caller_is_shown_once_a_minute() -> None:
    now = [0.0]
    once = Once(ZONE, lambda: now[0])
    line = "[2026-11-21 20:00:0{}.1] WARNING[77][C-0{}] res_agi.c: Connecting to '127.0.0.1:4573' failed for url '{}': refused"
    assert once(line.format(1, 1, "agi://a/call,5000")) is not None
    assert once(line.format(2, 2, "agi://a/call,5001")) is None
    assert once("[2026-11-21 20:00:03.1] ERROR[77] app.c: something else") is not None
    now[0] = 61.0
    assert once(line.format(4, 1, "agi://a/call,5000")) is not None


CALL = "pbx1-1800000000.1"


def sentences(*facts: e.Fact) -> list[str]:
    """What is shown of facts, without time and call."""
    telling = Telling(ZoneInfo("UTC"))
    return [line.split(CALL, 1)[1].strip() for fact in facts if (line := telling.line(fact)) is not None]


def entered(at: float, place: float) -> e.CallEntered:
    return e.CallEntered(at=at, call=CALL, queue="q", entered=place, priority=5, bonus=0.0, wants="")


def talks(at: float, waited: float) -> e.CallConnected:
    return e.CallConnected(at=at, call=CALL, leg="l", agent="7001", queue="q", waited=waited)


def gave_up(at: float, waited: float) -> e.CallAbandoned:
    return e.CallAbandoned(at=at, call=CALL, queue="q", waited=waited, reason="hung up")


def test_a_wait_counts_without_the_talk_and_the_hold_before_it() -> None:
    assert sentences(entered(100.0, 100.0), talks(107.0, 7.0), entered(175.0, 100.0), gave_up(195.0, 95.0)) == [
        "waits in queue q",
        "talks with agent 7001 after waiting 0:07",
        "waits in queue q, place kept from 1:15 ago",
        "hung up after waiting 0:20 in queue q",
    ]


def test_who_takes_up_the_old_place_is_seen_to_and_has_waited_since_the_new_call() -> None:
    assert sentences(entered(153.0, 100.0), gave_up(187.0, 87.0)) == [
        "waits in queue q, place kept from 0:53 ago",
        "hung up after waiting 0:34 in queue q",
    ]


def test_a_wait_of_which_the_beginning_was_not_seen_is_as_the_fact_has_it() -> None:
    assert sentences(gave_up(187.0, 87.0)) == ["hung up after waiting 1:27 in queue q"]


@pytest.mark.parametrize(
    ("agent", "reason", "shown"),
    [
        ("7003", "wrong PIN", ["to log in as agent 7003: wrong PIN"]),
        (None, "no such agent", ["to log in: no such agent"]),
        (None, "dialled", []),
        ("7003", "done", []),
    ],
)
def test_why_a_code_of_a_handset_did_nothing(agent: str | None, reason: str, shown: list[str]) -> None:
    fact = e.HandsetUsed(at=1.0, call=CALL, code="login", phone="101", agent=agent, reason=reason)
    assert sentences(fact) == shown


def test_a_callback_added_by_hand_is_no_call_that_ended() -> None:
    ended = e.CallEnded(at=1.0, call=CALL, outcome=Outcome.CALLBACK, reason=e.ADDED_BY_HAND)
    assert sentences(ended) == []
