"""More callers than the machine has time for: who comes then rings, and is let in in turn once the loop is on time again."""

import asyncio
import time

import pytest

from callhandler.asterisk import door as doors
from callhandler.asterisk.door import FEW, ROOM, Door
from tests.edge.waiting import until

STALL = 0.5
"""Seconds for which the test holds up the loop; a timer that late makes it late for ten times as long as a tick."""


class Street:
    """Callers before a door, and what they notice; `here` have been let in and stay. Who `has_time` asks again at once when let in."""

    def __init__(self, here: int) -> None:
        self.here = here
        self.told: list[str] = []
        self.rang: list[int] = []
        self.inside: list[int] = []
        self.ringing: set[str] = set()
        self.reached, self.has_time = True, True
        self.door = Door(lambda: self.here, self.ringing.__contains__, self._let_in, self.told.append)

    def comes(self, caller: int) -> None:
        """A caller comes: is answered at once, or has been told to ring."""
        if self.door.is_open():
            self.inside.append(caller)
            return
        self.ringing.add(str(caller))
        with self.door.keeping(str(caller)):
            self.rang.append(caller)

    def leaves(self, caller: int) -> None:
        self.ringing.remove(str(caller))

    def _let_in(self, caller: str) -> bool:
        if self.reached:
            self.inside.append(int(caller))
            if self.has_time:
                self.ringing.remove(caller)
        return self.reached

    async def late(self) -> None:
        """Hold up the loop, once somebody came who has it watched."""
        self.comes(0)
        time.sleep(STALL)  # noqa: ASYNC251 - nothing else may run meanwhile
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)

    def look(self, times: int = 1) -> None:
        """Let the door's clock tick, on time."""
        loop = asyncio.get_running_loop()
        for _ in range(times):
            self.door._look(loop, loop.time())


@pytest.fixture
def on_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is not late, whatever else runs here."""
    monkeypatch.setattr(doors, "LATE", 60.0)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is late: no loop is ever that early."""
    monkeypatch.setattr(doors, "LATE", -1.0)


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test is the door's clock."""
    monkeypatch.setattr(Door, "_look_again", lambda *_: None)


@pytest.mark.usefixtures("on_time")
async def test_as_long_as_the_machine_keeps_up_nobody_is_kept() -> None:
    street = Street(here=2 * FEW)
    for caller in range(5):
        street.comes(caller)
        await asyncio.sleep(0)
    assert (street.inside, street.rang, street.told) == ([0, 1, 2, 3, 4], [], [])


@pytest.mark.usefixtures("on_time")
async def test_more_than_a_machine_is_known_to_keep_up_with_ring_and_are_let_in_little_by_little() -> None:
    street = Street(here=round(ROOM) - 1)
    for caller in range(20):
        street.comes(caller)
        street.here += caller == 0  # it stays, and that was all the room there is
    assert (street.inside, street.rang) == ([0], list(range(1, 20)))
    async with asyncio.timeout(10.0):
        await until(lambda: not street.ringing)
    assert street.inside == list(range(20))
    assert street.told == [], "the machine is not late"


@pytest.mark.usefixtures("by_hand")
async def test_a_late_machine_has_room_for_fewer_even_when_it_is_not_late_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = Street(here=round(ROOM) - 1)
    monkeypatch.setattr(doors, "LATE", -1.0)
    street.comes(1)
    street.look(50)
    monkeypatch.setattr(doors, "LATE", 60.0)
    street.look()
    assert street.rang == [1] and street.inside == [], "no room, though it was less than that which is room at first"
    street.here = FEW
    street.look()
    assert street.inside == [1]


async def test_few_callers_are_answered_however_late_the_machine_is() -> None:
    street = Street(here=FEW - 1)
    await street.late()
    street.comes(1)
    assert (street.rang, street.told) == ([], [])


async def test_who_comes_to_a_late_machine_rings_and_is_let_in_in_turn() -> None:
    street = Street(here=FEW)
    await street.late()
    for caller in range(1, 11):
        street.comes(caller)
    assert street.rang == list(range(1, 11))
    assert street.inside == [0]
    async with asyncio.timeout(10.0):
        await until(lambda: not street.ringing)
    assert street.inside == list(range(11))
    assert len(street.told) == 1


@pytest.mark.usefixtures("late", "by_hand")
async def test_once_few_are_here_those_who_ring_are_let_in_however_late_the_machine_is() -> None:
    street = Street(here=FEW)
    for caller in range(1, 4):
        street.comes(caller)
    street.look()
    assert (street.rang, street.inside) == ([1, 2, 3], [])
    street.here = FEW - 1
    street.look(3)
    assert street.inside == [1, 2, 3]


@pytest.mark.usefixtures("late", "by_hand")
async def test_who_has_hung_up_or_come_in_by_themselves_takes_nobodys_turn() -> None:
    street = Street(here=FEW)
    for caller in range(1, 11):
        street.comes(caller)
    for caller in (1, 2, 3, 4, 5, 7):
        street.leaves(caller)
    street.here = FEW - 1
    street.look(4)
    assert street.inside == [6, 8, 9, 10]


@pytest.mark.usefixtures("late", "by_hand")
async def test_who_was_let_in_takes_room_until_the_session_does() -> None:
    street = Street(here=FEW)
    street.has_time = False
    for caller in range(1, 5):
        street.comes(caller)
    street.here = FEW - 2
    street.look(5)
    assert street.inside == [1, 2]
    street.leaves(1)
    street.look(5)
    assert street.inside == [1, 2, 3], "whoever hung up on the way takes none any more"


@pytest.mark.usefixtures("late", "by_hand")
async def test_who_was_let_in_and_never_comes_takes_no_room_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk was told so, and the channel is gone without anybody's having been told."""
    monkeypatch.setattr(doors, "LONGEST_RINGING", 0.05)
    street = Street(here=FEW)
    street.has_time = False
    for caller in range(1, 4):
        street.comes(caller)
    street.here = FEW - 1
    street.look(3)
    assert street.inside == [1]
    await asyncio.sleep(0.06)
    street.look()
    assert street.inside == [1, 2]


@pytest.mark.usefixtures("late", "by_hand")
async def test_a_session_that_tells_somebody_to_ring_takes_no_room() -> None:
    street = Street(here=FEW)
    street.comes(1)
    street.ringing.add("2")
    with street.door.keeping("2"):
        street.look()
        assert street.inside == [1]
    street.look()
    assert street.inside == [1], "that session has become another one"


@pytest.mark.usefixtures("late", "by_hand")
async def test_a_session_that_fails_while_it_tells_somebody_to_ring_takes_no_room_for_ever() -> None:
    street = Street(here=FEW)
    with pytest.raises(OSError, match="gone"), street.door.keeping("1"):
        raise OSError("gone")
    street.comes(2)
    street.look()
    assert street.inside == []
    street.here = FEW - 1
    street.look()
    assert street.inside == [2]


@pytest.mark.usefixtures("late", "by_hand")
async def test_while_asterisk_cannot_be_told_nobody_loses_their_turn() -> None:
    street = Street(here=FEW)
    for caller in range(1, 7):
        street.comes(caller)
    street.here, street.reached = 0, False
    street.look(3)
    assert street.inside == []
    street.reached = True
    street.look(2)
    assert street.inside == [1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("on_time")
async def test_what_fails_once_does_not_stop_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    street = Street(here=0)
    street.ringing.add("1")
    letting_in, failures = street._let_in, [OSError("once")]

    def fails_once(caller: str) -> bool:
        if failures:
            raise failures.pop()
        return letting_in(caller)

    monkeypatch.setattr(street.door, "_let_in", fails_once)
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    street.door.keep_on(["1"])
    async with asyncio.timeout(10.0):
        await until(lambda: not street.ringing)
    assert [str(one) for one in told] == ["once"]


@pytest.mark.usefixtures("on_time")
async def test_those_whom_an_earlier_daemon_kept_ringing_come_first() -> None:
    street = Street(here=0)
    street.ringing |= {"3", "1", "2"}
    street.door.keep_on(["3", "1", "2"])
    street.comes(4)
    async with asyncio.timeout(10.0):
        await until(lambda: not street.ringing)
    assert street.inside == [3, 1, 2, 4]


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("stall", [0.0, 30.0], ids=["on time", "after half a minute without the machine"])
async def test_of_thousands_who_ring_each_is_let_in_once_and_in_turn(stall: float) -> None:
    many = 3_000
    street = Street(here=round(ROOM))
    street.door._late = stall / doors._MEMORY
    for caller in range(many):
        street.comes(caller)
    assert street.rang == list(range(many))
    for _ in range(many):
        before = len(street.inside)
        street.look()
        street.here += len(street.inside) - before
    assert street.inside == list(range(many))
    assert not street.ringing
    street.here = 0
    street.look()
    assert (street.door._watching, street.door._late, street.door._room) == (False, 0.0, ROOM), "nobody is here"
