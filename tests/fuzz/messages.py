"""Where messages lie: names of recordings, and files that Asterisk, or anybody, left in the folder while the daemon was away."""

import os
from dataclasses import replace
from pathlib import Path

from callhandler.away_messages import AwayMessages
from callhandler.core import observed as o
from callhandler.messages import ENDING, FOLDER, MessageBox
from callhandler.site.plan import plan
from callhandler.store.encoding import decode, encode
from tests.fuzz.engine import Target
from tests.fuzz.people import good_site
from tests.fuzz.running import folder
from tests.fuzz.values import texts
from tests.unit.core.world import World

_WHEN = 1_000_000.0
_LINK = o.LinkUp("pbx1", "22.10.1", (), ())


def recording(data: bytes) -> None:
    """A message's file lies in var/messages under the name of its call, or the name is refused."""
    name = texts(data, 1)[0]
    try:
        path = Path(MessageBox(Path("/site")).path(name))
    except ValueError:
        return
    assert path.parent == Path("/site") / FOLDER
    assert path.name == name
    assert name not in (".", "..")
    assert name.isascii()
    assert not set(name) & set("/\\\0\n &|,")


def away(data: bytes) -> None:
    """A file that looks like a message is told of once, another one never, and neither keeps the daemon from starting."""
    name = data.replace(b"/", b"").replace(b"\0", b"")[:200].decode("utf-8", "surrogateescape")
    messages = folder() / FOLDER
    messages.mkdir(parents=True, exist_ok=True)
    file = messages / f"{name}{ENDING}"
    with file.open("wb") as out:
        out.truncate((len(data) % 4) * 20_000)
    os.utime(file, (_WHEN, _WHEN))
    try:
        _found_once(name)
    finally:
        file.unlink(missing_ok=True)


def _found_once(name: str) -> None:
    world = World(plan(good_site().site), attach=False)
    looking = AwayMessages(world.board, folder(), lambda: good_site().site)
    for seen in (_LINK, _LINK, o.ChannelEnded("pbx1-1.7", 16, "")):
        looking.observe(seen)
        world.board.observe(seen)
    told = [fact for fact in world.facts if type(fact).__name__ == "MessageLeft"]
    assert len(told) <= 1
    for fact in told:
        assert fact.file == f"{FOLDER}/{name}{ENDING}", fact.file
        assert name.startswith(f"{fact.call}_away_"), (name, fact.call)
    assert all(decode(encode(fact, "pbx1")) == replace(fact, at=round(fact.at, 3)) for fact in world.facts)


_NAMES = (
    b"pbx1-1795286814.7", b"pbx1-1.7_away_5000_+4930123456", b"_away_", b"__", b"_", b"+", b"5000", b"-2",
    b"..", b".wav", b" ", b"*", b"[a]", b"?",
)  # fmt: skip

TARGETS = (
    Target("recording", "a file of that very name in var/messages, or ValueError", recording, _NAMES),
    Target("away", "a file left while the daemon was away is told of once by its own name, or never", away, _NAMES, cost=40),
)  # fmt: skip
