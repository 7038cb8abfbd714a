"""The control API: stories of requests made from its own OpenAPI document, and spoilt, asked of the real front desk."""

import json
import re
from contextlib import suppress
from functools import cache
from random import Random
from urllib.parse import quote, unquote

from fastapi import FastAPI
from starlette.types import Message, Scope

from callhandler.control.api import build
from callhandler.control.guard import Guard
from callhandler.control.peer import Peer
from callhandler.control.streams import Streams
from callhandler.core import events as e
from callhandler.core.inbox import InboxKeeper
from callhandler.core.views import StatusView
from callhandler.frontdesk import FrontDesk
from callhandler.site.plan import plan
from callhandler.store.encoding import decode, encode
from tests.fuzz.engine import Target
from tests.fuzz.people import good_site, numbers
from tests.fuzz.running import exceptions, run
from tests.unit.control.fake_desk import STATUS
from tests.unit.core.world import World

_LITERAL = re.compile(rb"(GET|POST|PUT|DELETE|HEAD|OPTIONS) /v1/")
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
_ODD: tuple[Json, ...] = (
    None, True, -1, 0, 1, 11, 2**63, 1e308, "", " ", "x" * 33, "x" * 201, "\0", "\ud800", "\r\n", "../status", "7001", "101", "sales",
    [], {},
    ["a"], {"a": 1}, "+12025550123", "112", "+19005550123", 1_000_100.0, 5, "lunch\u202e", "🙂" * 60,
)  # fmt: skip
_NAMES = (
    "test-001",
    "test-002",
    "test-999",
    "7001",
    "7002",
    "7009",
    "",
    "..",
    "%2F",
    "a/b",
    "\0",
    "\udcff",
    "é" * 80,
    "x" * 151,
    "?a=b#c",
)
_BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"\xff",
    b'{"reason":"a","reason":"b"}',
    b"[" * 5_000,
    b'{"bonus": NaN}',
    b"1e999",
    b"{}" * 40_000,
)


class Story:
    """One world in which requests are made one after another: two callers in line, four agents, of whom two are logged in."""

    def __init__(self) -> None:
        site = good_site().site
        self.world = World(plan(site))
        board = self.world.board
        board.callbacks.guard_by(numbers())
        keeper = InboxKeeper()
        board.followed_by(keeper)
        self.desk = FrontDesk(board, "UTC", self._status, self._decisions, keeper.inbox, self._written)
        for one in ("7001", "7002"):
            board.record(e.AgentLoggedIn(at=self.world.now, agent=one, phone=site.agents[one].phone or "", by="fuzz"))
        for number in ("+12025550123", "anonymous"):
            self.world.enter("sales", number=number)

    def _status(self) -> StatusView:
        return STATUS

    async def _written(self) -> bool:
        return True

    async def _decisions(self, call: str) -> list[e.RoutingDecided]:
        return [fact for fact in self.world.of(e.RoutingDecided) if fact.call == call]


class DeskOfNow:
    """The desk of the story that is told now: the application is built once."""

    story: Story

    def __getattr__(self, name: str) -> object:
        return getattr(self.story.desk, name)


_desk = DeskOfNow()


@cache
def _guard() -> Guard:
    streams = Streams()
    streams.end()  # so that the live log ends at once
    return build(_desk, streams)  # type: ignore[arg-type]


@cache
def _operations() -> tuple[tuple[str, str, dict[str, Json], frozenset[int]], ...]:
    """Return path, method, the body's properties and the documented statuses of everything that can be asked."""
    app = _guard().app
    assert isinstance(app, FastAPI)
    document = app.openapi()
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = body.get("$ref", "").rpartition("/")[2]
            properties = document["components"]["schemas"][name]["properties"] if name else {}
            found.append(
                (path, method.upper(), properties, frozenset(int(status) for status in operation["responses"]))
            )
    return tuple(found)


def control(data: bytes) -> None:
    """Each request is answered as documented, refusals in a sentence; no failure, and every fact fits into the journal."""
    rng = Random(data)
    _desk.story = story = Story()
    if _LITERAL.match(data):
        run(_literally(data, rng))
        assert exceptions() == []
    for _ in range(1 + rng.randrange(4)):
        run(_asked(rng))
        assert exceptions() == []
    world = story.world
    world.passes(rng.choice((0.0, 0.0, 0.0, 30.0)))
    assert all(decode(encode(fact, "pbx1")) == fact for fact in world.facts)
    seats = [one.phone for one in world.board.line.books.agents.values() if one.phone is not None]
    assert len(seats) == len(set(seats))


async def _literally(data: bytes, rng: Random) -> None:
    """Ask what an input says: method and path, the body after a line end."""
    request, _, body = data.partition(b"\n")
    method, _, path = request.decode("ascii", "ignore").partition(" ")
    every = frozenset[int]().union(*(documented for *_, documented in _operations()))
    _judged(method, *await _answer(method, path, body, rng), every)


async def _asked(rng: Random) -> None:
    path, method, properties, documented = rng.choice(_operations())
    filled = path
    for name in ("{call}", "{agent}"):
        value = rng.choice(_NAMES)
        with suppress(UnicodeEncodeError):
            filled = filled.replace(name, quote(value, safe="" if rng.random() < 0.8 else "/?#%\0"))
    spoilt = rng.random() < 0.05
    method = rng.choice(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "")) if spoilt else method
    body = rng.choice(_BODIES) if rng.random() < 0.1 else _body(rng, properties)
    status, said = await _answer(method, filled, body, rng)
    if status >= 400 or not spoilt:
        _judged(method, status, said, documented)


def _judged(method: str, status: int, said: bytes, documented: frozenset[int]) -> None:
    """A documented answer; a refusal is a sentence."""
    assert status in documented | {403, 404, 405, 413}, status
    if status >= 400 and method != "HEAD":
        problem = json.loads(said)
        assert list(problem) == ["error"]
        assert problem["error"].strip()


def _body(rng: Random, properties: dict[str, Json]) -> bytes:
    values: dict[str, Json] = {}
    for name, schema in properties.items():
        if rng.random() < 0.9:
            values[name] = rng.choice(_ODD) if rng.random() < 0.4 else _fitting(rng, name, schema)
    if rng.random() < 0.05:
        values["more"] = rng.choice(_ODD)
    return json.dumps(values).encode() if properties else b""


def _fitting(rng: Random, name: str, schema: Json) -> Json:
    """Return a value of the kind that the document asks for; of names, one that is there."""
    known: dict[str, tuple[Json, ...]] = {
        "queue": ("sales", "support", "billing"), "phone": ("101", "102", "104"), "number": ("+12025550123", "2025550199"),
        "due": (0, 1_000_060.0, 1_080_000.0, 2**40), "priority": (1, 10, None), "bonus": (0, 60.5, None),
    }  # fmt: skip
    if name in known:
        return rng.choice(known[name])
    assert isinstance(schema, dict)
    return rng.random() < 0.5 if schema.get("type") == "boolean" else "lunch"


async def _answer(method: str, path: str, body: bytes, rng: Random) -> tuple[int, bytes]:
    """Ask the application as uvicorn does."""
    target, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(target),
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"content-type", rng.choice((b"application/json",) * 9 + (b"text/plain", b"\xff")))],
        "client": None,
        "server": None,
        "state": {"peer": None if rng.random() < 0.02 else Peer(1, 0, frozenset())},
    }
    half = rng.randrange(len(body) + 1)
    incoming = [_part(body[:half], True), _part(body[half:], False)]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await _guard()(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def _part(body: bytes, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


TARGETS = (
    Target("control", "stories of up to four requests: answered as the OpenAPI document says, refusals in a sentence, never 500; facts fit "
           "into the journal; nobody shares a phone", control, cost=250),
)  # fmt: skip
