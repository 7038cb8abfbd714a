"""Leaving a message, told as ladders: from a menu or from the line, listened to, recorded again, or ended by hanging up."""

from pathlib import Path

import pytest

from callhandler.core import events as e
from callhandler.core.model import Outcome
from callhandler.messages import MessageBox
from tests.unit.scripts.ladder import HANGS_UP, Ladder

NUMBER = '\n[numbers.5009]\nenters = "message:sales"\n'


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    return Ladder(tmp_path, NUMBER)


def left(ladder: Ladder) -> list[tuple[str, float]]:
    return [(fact.queue, fact.seconds) for fact in ladder.world.of(e.MessageLeft)]


def test_a_message_sent(ladder: Ladder) -> None:
    caller = ladder.dials("5009", "", "7 s", "1", caller="555")
    name = ladder.call.id
    assert caller.told == [
        "answered",
        "std-message",
        f"records {name}",
        "std-message-choice",
        "std-message-kept",
        "hung up on",
    ]
    assert left(ladder) == [("sales", 7.0)]
    (item,) = ladder.world.of(e.ItemOpened)
    assert (item.item, item.number, item.queue) == ("message", "555", "sales")
    ladder.world.caller_hangs_up(ladder.call)
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.MESSAGE


def test_listened_to_and_recorded_again(ladder: Ladder) -> None:
    caller = ladder.dials("5009", "", "7 s", "2", "", "3", "9 s", "", "")
    name = ladder.call.id
    assert caller.told[3:] == [
        "std-message-choice",
        f"recording {name}",
        "std-message-choice",
        f"records {name}",
        "std-message-choice",
        "std-message-kept",
        "hung up on",
    ]
    assert left(ladder) == [("sales", 9.0)], "who chooses nothing sends it"


@pytest.mark.parametrize("reactions", [("5 s, gone",), ("5 s", HANGS_UP), ("5 s", "2", HANGS_UP)])
def test_who_hangs_up_after_speaking_has_left_a_message(ladder: Ladder, reactions: tuple[str | object, ...]) -> None:
    ladder.dials("5009", "", *reactions)
    assert left(ladder) == [("sales", 5.0)]


def test_nothing_said_is_no_message(ladder: Ladder) -> None:
    caller = ladder.dials("5009", "", "1 s", "1.2 s, gone")
    assert caller.told[-3:] == ["std-message-empty", f"records {ladder.call.id}", "gone"]
    assert left(ladder) == []
    assert ladder.house.messages.discarded == [ladder.call.id]


def test_going_back_reaches_a_person(ladder: Ladder) -> None:
    ladder.dials("5009", "", "5 s", "*", HANGS_UP)
    assert left(ladder) == []
    assert ladder.call.queue == "operator"


def test_a_recording_is_named_after_its_call_alone(tmp_path: Path) -> None:
    box = MessageBox(tmp_path)
    first = box.free_name("pbx1-12.3")
    assert box.path(first) == str(tmp_path / "var" / "messages" / "pbx1-12.3")
    file = tmp_path / "var" / "messages" / "pbx1-12.3.wav"
    file.write_bytes(b"RIFF")
    assert box.keep(first) == "var/messages/pbx1-12.3.wav"
    assert file.stat().st_mode & 0o777 == 0o640
    (secret := tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "var" / "messages" / "pbx1-13.1.wav").symlink_to(secret)
    box.keep("pbx1-13.1")
    assert secret.stat().st_mode & 0o777 == 0o600, "a link that somebody put there opens no other file"
    assert box.free_name("pbx1-12.3") == "pbx1-12.3-2"
    box.discard(first)
    box.discard(first)
    assert not file.exists()
    for evil in ("../x", "/etc/passwd", "a/b", "", ".hidden", "a\n"):
        with pytest.raises(ValueError, match="named after"):
            box.path(evil)


@pytest.mark.parametrize("seen_first", ["recording", "choice"])
def test_a_hang_up_that_is_seen_elsewhere_first_sends_it_just_as_well(ladder: Ladder, seen_first: str) -> None:
    def ends() -> None:
        ladder.world.passes(6.5)
        ladder.world.caller_hangs_up(ladder.call)

    ladder.dials("5009", "", *((ends, "6 s, gone") if seen_first == "recording" else ("6 s", ends, HANGS_UP)))
    assert left(ladder) == [("sales", 6.0)]
    assert ladder.world.story(ladder.call)[-3:] == ["MessageLeft", "ItemOpened", "CallEnded"]
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.MESSAGE
