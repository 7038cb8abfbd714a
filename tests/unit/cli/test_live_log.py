"""The live log: lines for people, however strange what stands in them, and files that are moved away."""

import json
from pathlib import Path

from callhandler.cli.live_log import Follower, Once, asterisk_line, daemon_line


def test_a_line_of_the_daemon() -> None:
    line = {
        "event": "agent offered",
        "level": "info",
        "timestamp": "2026-01-02T03:04:05Z",
        "part": "line",
        "agent": "7001",
    }
    shown = daemon_line(json.dumps(line))
    assert shown is not None
    assert "line" in shown.plain
    assert "agent offered  agent=7001" in shown.plain


def test_nothing_in_it_moves_the_cursor_or_is_taken_for_markup() -> None:
    shown = daemon_line(json.dumps({"event": "a\x1b[2Jb\nc", "level": "error", "name": "[red]x[/]\r"}))
    assert shown is not None
    assert not set("\x1b\n\r") & set(shown.plain)
    assert "[red]x[/]" in shown.plain


def test_what_is_no_line_is_passed_over() -> None:
    assert daemon_line("{half a li") is None
    assert daemon_line("[1, 2]") is None
    assert asterisk_line("[2026-01-01 10:00:00.123] NOTICE[1] loader.c: 93 modules will be loaded.") is None


def test_a_warning_of_asterisk() -> None:
    shown = asterisk_line("[2026-01-01 10:00:00.123] WARNING[12][C-00000001] chan.c: something is odd")
    assert shown is not None
    assert shown.plain.startswith("10:00:00 asterisk")
    assert shown.plain.endswith("something is odd")


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
    once = Once(lambda: now[0])
    line = "[2026-11-21 20:00:0{}.1] WARNING[77][C-0{}] res_agi.c: Connecting to '127.0.0.1:4573' failed for url '{}': refused"
    assert once(line.format(1, 1, "agi://a/call,5000")) is not None
    assert once(line.format(2, 2, "agi://a/call,5001")) is None
    assert once("[2026-11-21 20:00:03.1] ERROR[77] app.c: something else") is not None
    now[0] = 61.0
    assert once(line.format(4, 1, "agi://a/call,5000")) is not None
