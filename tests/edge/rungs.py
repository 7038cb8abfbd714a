"""A caller's verbs as ladders: what a script says against what Asterisk is told, and what it answers."""

from collections.abc import Awaitable, Callable

from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.caller import AgiCaller
from tests.edge.fake_asterisk import agi_call
from tests.edge.serving import serving, settled

OK = b"200 result=0\n"
ENDED = b"200 result=0 endpos=1\n"


def key(letter: str) -> bytes:
    """What STREAM FILE answers when a key ended it."""
    return b"200 result=%d endpos=1\n" % ord(letter)


async def ladder(script: Callable[[AgiCaller], Awaitable[object]], *rungs: tuple[str, bytes]) -> object:
    """Run a script against (command expected, reply) pairs; returns what the script returned, raises what it raised."""

    async def with_caller(session: AgiSession) -> object:
        return await script(
            AgiCaller(session, lambda prompt, language: f"/s/{language}/{prompt}", "en", "Europe/Berlin")
        )

    async with serving(with_caller) as (server, results):
        call = await agi_call(server.port)
        for wanted, said in rungs:
            assert (await call.command()).decode() == wanted
            call.send(said)
        await settled(results)
        assert await call.command() == b""
        await call.close()
        if isinstance(results[0], BaseException):
            raise results[0]
        return results[0]
