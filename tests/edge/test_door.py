"""More callers than the machine has time for: who comes then hears it ring, and is answered in turn once the loop is on time again."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from callhandler.asterisk import door as doors
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.caller import AgiCaller
from callhandler.asterisk.door import FEW, ROOM, Door
from callhandler.core.model import RingEnd
from callhandler.errors import CallerGone
from tests.edge.fake_asterisk import agi_call
from tests.edge.serving import serving, settled
from tests.edge.waiting import until

STALL = 0.5
"""Seconds for which the test holds up the loop; a timer that late makes it late for ten times as long as a tick."""


def late_door() -> Door:
    """The door of a place with so many callers that it may be late."""
    door = Door(lambda: FEW + door.before, lambda _: None)
    return door


class Street:
    """Callers before a door, and what they notice; `here` have been let in and stay."""

    def __init__(self, here: int) -> None:
        self.here = here
        self.told: list[str] = []
        self.rang: list[int] = []
        self.inside: list[int] = []
        self.ends: list[RingEnd | None] = []
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.door = Door(lambda: self.here + self.door.before, self.told.append)

    async def comes(self, caller: int, gone: asyncio.Future[str] | None = None) -> None:
        async def ring() -> None:
            self.rang.append(caller)

        self.ends.append(await self.door.pass_through(ring, gone or self.gone))
        self.inside.append(caller)

    async def late(self) -> None:
        """Hold up the loop, once somebody came who has it watched."""
        await self.comes(0)
        time.sleep(STALL)  # noqa: ASYNC251 - nothing else may run meanwhile
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)


def answering(door: Door) -> Callable[[AgiSession], Awaitable[None]]:
    """A script that answers its caller once the door lets it."""

    async def script(session: AgiSession) -> None:
        caller = AgiCaller(session, lambda prompt, _: prompt, "en", "UTC", door=door)
        await caller.come_in(lambda: None)
        await caller.answer()

    return script


async def test_as_long_as_the_machine_keeps_up_nobody_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LATE", 60.0)  # whatever else runs here
    street = Street(here=2 * FEW)
    for caller in range(5):
        await street.comes(caller)
        await asyncio.sleep(0)
    assert (street.inside, street.rang, street.told) == ([0, 1, 2, 3, 4], [], [])
    assert street.ends == [None] * 5


async def test_more_than_a_machine_is_known_to_keep_up_with_ring_and_are_let_in_little_by_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doors, "LATE", 60.0)  # whatever else runs here
    street = Street(here=round(ROOM) - 1)

    async def comes(caller: int) -> None:
        await street.comes(caller)
        street.here += 1

    everybody = [asyncio.create_task(comes(caller)) for caller in range(20)]
    await until(lambda: len(street.rang) == 19)
    assert len(street.inside) < 19
    async with asyncio.timeout(10.0):
        await asyncio.gather(*everybody)
    assert street.inside == list(range(20))
    assert street.told == [], "the machine is not late"


async def test_a_late_machine_has_room_for_fewer_even_when_it_is_not_late_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = Street(here=round(ROOM) - 1)
    monkeypatch.setattr(doors, "LATE", -1.0)
    one = asyncio.create_task(street.comes(1))
    await until(lambda: street.door.before == 1)
    loop = asyncio.get_running_loop()
    for _ in range(50):
        street.door._look(loop, loop.time())
    monkeypatch.setattr(doors, "LATE", 60.0)
    street.door._look(loop, loop.time())
    assert street.door.before == 1, "no room, though it was less than that which is room at first"
    street.here = FEW
    async with asyncio.timeout(10.0):
        await one


async def test_few_callers_are_answered_however_late_the_machine_is() -> None:
    street = Street(here=FEW - 1)
    await street.late()
    await street.comes(1)
    assert (street.rang, street.told) == ([], [])


async def test_who_comes_to_a_late_machine_rings_and_is_let_in_in_turn() -> None:
    street = Street(here=FEW)
    await street.late()
    everybody = [asyncio.create_task(street.comes(caller)) for caller in range(1, 11)]
    await asyncio.sleep(0)
    assert street.rang == list(range(1, 11))
    assert street.door.before == 10
    assert street.inside == [0]
    await asyncio.gather(*everybody)
    assert street.inside == list(range(11))
    assert street.door.before == 0
    assert len(street.told) == 1


async def test_who_hangs_up_before_the_door_waits_no_longer_and_leaves_no_place() -> None:
    street = Street(here=FEW)
    await street.late()
    gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    one = asyncio.create_task(street.comes(1, gone))
    other = asyncio.create_task(street.comes(2))
    await asyncio.sleep(0)
    assert street.door.before == 2
    gone.set_result("hung up")
    await one
    assert street.door.before == 1
    await other
    assert street.ends[-2:] == [RingEnd.CALLER_LEFT, RingEnd.LET_IN]


async def test_a_machine_that_stays_late_answers_after_the_longest_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)  # no loop is ever that early
    monkeypatch.setattr(doors, "LONGEST", 0.05)
    street = Street(here=FEW)
    await street.comes(1)
    assert (street.rang, street.inside, street.door.before) == ([1], [1], 0)
    assert street.ends == [RingEnd.LONGEST]


async def test_asterisk_is_told_to_ring_before_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    monkeypatch.setattr(doors, "LONGEST", 0.05)
    async with serving(answering(late_door())) as (server, results):
        call = await agi_call(server.port)
        said = []
        for answer in (b"200 result=0\n", b"200 result=0\n", b"200 result=1\n"):
            said.append((await call.command()).decode())
            call.send(answer)
        await settled(results)
        await call.close()
    assert said == ['EXEC "Ringing"', "ANSWER", 'SET VARIABLE "CHANNEL(language)" "en"']


async def test_once_few_are_here_those_who_ring_are_let_in_however_late_the_machine_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    street = Street(here=FEW)
    everybody = [asyncio.create_task(street.comes(caller)) for caller in range(1, 4)]
    await asyncio.sleep(0)
    assert street.rang == [1, 2, 3]
    street.here = FEW - 1
    async with asyncio.timeout(10.0):
        await asyncio.gather(*everybody)
    assert street.inside == [1, 2, 3]


@pytest.mark.parametrize("rings", [True, False], ids=["rings", "is being told to ring"])
async def test_who_is_taken_away_before_the_door_leaves_no_place(monkeypatch: pytest.MonkeyPatch, rings: bool) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    street = Street(here=FEW)
    told = asyncio.Event()
    if rings:
        told.set()
    one = asyncio.create_task(street.door.pass_through(told.wait, street.gone))
    other = asyncio.create_task(street.comes(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert street.door.before == 2
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    assert street.door.before == 1
    monkeypatch.setattr(doors, "LATE", 60.0)
    await other
    assert one.cancelled()


async def test_who_can_no_longer_be_told_to_ring_leaves_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    street = Street(here=FEW)

    async def ring() -> None:
        raise CallerGone("the channel hung up")

    with pytest.raises(CallerGone):
        await street.door.pass_through(ring, street.gone)
    assert street.door.before == 0


async def test_a_turn_that_comes_while_it_is_told_to_ring_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    street = Street(here=FEW)
    told = asyncio.Event()
    one = asyncio.create_task(street.door.pass_through(told.wait, street.gone))
    await asyncio.sleep(0)
    monkeypatch.setattr(doors, "LATE", 60.0)
    await until(lambda: street.door.before == 0)
    told.set()
    async with asyncio.timeout(doors.LONGEST / 3):
        await one


@pytest.mark.parametrize("how", ["cancelled", "gone"])
async def test_who_leaves_at_the_moment_of_their_turn_harms_nobody(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    street = Street(here=FEW)
    gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    one = asyncio.create_task(street.comes(1, gone))
    other = asyncio.create_task(street.comes(2))
    await asyncio.sleep(0)
    monkeypatch.setattr(doors, "LATE", 60.0)
    loop = asyncio.get_running_loop()
    street.door._look(loop, loop.time())
    if how == "gone":
        gone.set_result("hung up")
    else:
        one.cancel()
    await asyncio.gather(one, other, return_exceptions=True)
    assert 2 in street.inside
    assert street.door.before == 0


async def test_an_asterisk_that_cannot_ring_has_the_caller_wait_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    monkeypatch.setattr(doors, "LONGEST", 0.05)
    async with serving(answering(late_door())) as (server, results):
        call = await agi_call(server.port)
        said = [
            (await call.answer(text)).decode() for text in (b"200 result=-2\n", b"200 result=0\n", b"200 result=1\n")
        ]
        await settled(results)
        await call.close()
    assert said == ['EXEC "Ringing"', "ANSWER", 'SET VARIABLE "CHANNEL(language)" "en"']
    assert results == [None]


@pytest.mark.parametrize("when", ["before it is told to ring", "while it rings"])
async def test_who_hangs_up_while_it_rings_is_never_answered(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    door = late_door()
    async with serving(answering(door)) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b'EXEC "Ringing"'
        if when == "while it rings":
            call.send(b"200 result=0\n")
        call.send(b"HANGUP\n")
        await settled(results)
        await call.close()
    assert isinstance(results[0], CallerGone)
    assert door.before == 0


async def test_a_server_that_closes_ends_who_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LATE", -1.0)
    door = late_door()
    async with serving(answering(door)) as (server, results):
        call = await agi_call(server.port)
        await call.answer()
        await until(lambda: door.before == 1)
        async with asyncio.timeout(10.0):
            await server.close()
        await call.close()
    assert isinstance(results[0], asyncio.CancelledError)
    assert door.before == 0


@pytest.mark.parametrize("stall", [0.0, 30.0], ids=["on time", "after half a minute without the machine"])
async def test_of_thousands_who_ring_each_is_let_in_once_and_in_turn(
    monkeypatch: pytest.MonkeyPatch, stall: float
) -> None:
    many, in_time = 3_000, round(doors.LONGEST / doors._TICK)
    monkeypatch.setattr(Door, "_look_again", lambda *_: None)  # the test is its clock
    street = Street(here=round(ROOM))
    street.door._late = stall / doors._MEMORY

    async def comes(caller: int) -> None:
        await street.comes(caller)
        street.here += 1

    everybody = [asyncio.create_task(comes(caller)) for caller in range(many)]
    await until(lambda: street.door.before == many)
    loop = asyncio.get_running_loop()
    for _ in range(in_time):
        street.door._look(loop, loop.time())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert street.door.before == 0
    await asyncio.gather(*everybody)
    assert street.inside == list(range(many))
    street.here = 0
    street.door._look(loop, loop.time())
    assert (street.door._watching, street.door._late, street.door._room) == (False, 0.0, ROOM), "nobody is here"
