"""Named tasks: one that ends without having been told to is reported, however it ended; stopping ends the youngest first."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from callhandler import tasks as tasks_module
from callhandler.tasks import Tasks


async def _returns() -> None:
    await asyncio.sleep(0)


async def _fails() -> None:
    raise ValueError("a mistake of ours")


async def _cancels_itself() -> None:
    """As a library does whose own cancelling leaks out of it."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("work", [_returns, _fails, _cancels_itself])
async def test_a_task_that_ends_by_itself_is_dead_and_is_told_of(work: Callable[[], Awaitable[None]]) -> None:
    dead = asyncio.Queue[str]()
    tasks = Tasks(dead.put_nowait)
    tasks.start("ami", work())  # type: ignore[arg-type]  # coroutines all
    async with asyncio.timeout(30):
        assert await dead.get() == "ami"
    await tasks.stop()


async def test_stopping_ends_the_youngest_first_and_nobody_is_told_of_a_death() -> None:
    dead: list[str] = []
    ended: list[str] = []
    tasks = Tasks(dead.append)

    async def until_cancelled(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    for name in ("first", "second", "third"):
        tasks.start(name, until_cancelled(name))
    await asyncio.sleep(0)
    await tasks.stop()
    assert ended == ["third", "second", "first"]
    assert dead == []


async def test_a_task_in_which_a_cancelling_is_lost_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in wait_for of Python 3.11, whose answer comes in the moment of the cancelling; libraries use it."""
    monkeypatch.setattr(tasks_module, "_ASK_AGAIN", 0.01)
    tasks = Tasks(lambda _: None)
    lost = 0

    async def loses_three() -> None:
        nonlocal lost
        while lost < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
        await asyncio.Event().wait()

    tasks.start("mail", loses_three())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await tasks.stop()
    assert lost == 3
