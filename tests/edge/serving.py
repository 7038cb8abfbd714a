"""Our FastAGI server on a port of its own, running one script for every call."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from callhandler.asterisk.agi import AgiLimits, AgiServer
from callhandler.asterisk.agi_session import AgiSession
from tests.edge.fake_asterisk import KEY
from tests.edge.waiting import until

Script = Callable[[AgiSession], Awaitable[object]]


@contextlib.asynccontextmanager
async def serving(
    script: Script, limits: AgiLimits | None = None, unproven: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[AgiServer, list[object]]]:
    """Our server, and what the script returned or raised, call by call."""
    results: list[object] = []

    async def handler(session: AgiSession) -> None:
        try:
            results.append(await script(session))
        except BaseException as error:
            results.append(error)
            raise

    server = AgiServer("127.0.0.1", 0, KEY, handler, limits, unproven)
    await server.start()
    try:
        yield server, results
    finally:
        await server.close()


async def settled(results: list[object], count: int = 1) -> None:
    """Wait until scripts are over."""
    await until(lambda: len(results) >= count)
