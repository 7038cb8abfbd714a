"""The control API over a real Unix socket: asked by the real client, by strangers, and by garbage."""
# ruff: noqa: ASYNC110, ASYNC240

import asyncio
import json
import os
import pwd
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callhandler.control import server as server_module
from callhandler.control.client import Client
from callhandler.control.desk import NotHere
from callhandler.control.peer import Peer
from callhandler.control.server import Server
from callhandler.core.events import AgentPaused, AlarmRaised, Fact
from callhandler.core.model import Status
from callhandler.errors import Refused, Unreachable
from tests.unit.control.fake_desk import AGENT, CALL, QUEUE, STATUS, FakeDesk

T = TypeVar("T")
ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "control.sock"


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def server(desk: FakeDesk, path: Path) -> AsyncIterator[Server]:
    server = Server(desk, path)
    await server.start()
    yield server
    await server.stop()


async def ask(path: Path, what: Callable[[Client], T]) -> T:
    """Ask with the blocking client, as the CLI does, while the server runs in this loop."""

    return await asyncio.to_thread(lambda: what(Client(path)))


async def raw(path: Path, request: bytes, seconds: float = 30.0) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.close()


@pytest.mark.usefixtures("server")
class TestAsking:
    async def test_the_present(self, path: Path) -> None:
        assert await ask(path, Client.status) == STATUS
        assert await ask(path, Client.calls) == (CALL,)
        assert await ask(path, lambda client: client.call(CALL.id)) == CALL
        assert await ask(path, Client.agents) == (AGENT,)
        assert await ask(path, Client.queues) == (QUEUE,)

    async def test_orders_reach_the_desk_with_the_name_of_who_asks(self, path: Path, desk: FakeDesk) -> None:
        paused = await ask(path, lambda client: client.pause("7001", "lunch"))
        assert paused.status is Status.ON_BREAK
        await ask(path, lambda client: client.login("7001", "102"))
        await ask(path, lambda client: client.login("7001", None))
        await ask(path, lambda client: client.logout("7001"))
        await ask(path, lambda client: client.resume("7001"))
        await ask(path, lambda client: client.move(CALL.id, "support"))
        await ask(path, lambda client: client.prioritise(CALL.id, None, 60.0))
        await ask(path, lambda client: client.hang_up(CALL.id))
        await ask(path, lambda client: client.emergency_close("fire"))
        await ask(path, Client.emergency_open)
        assert (await ask(path, lambda client: client.reload(True))).applied is False
        assert desk.asked == [
            ("pause", "7001", "lunch", ME),
            ("login", "7001", "102", ME),
            ("login", "7001", None, ME),
            ("logout", "7001", ME),
            ("resume", "7001", ME),
            ("move", CALL.id, "support", ME),
            ("prioritise", CALL.id, None, 60.0, ME),
            ("hang_up", CALL.id, ME),
            ("emergency", True, "fire", ME),
            ("emergency", False, "", ME),
            ("reload", True, ME),
        ]

    async def test_refusals_arrive_as_their_sentence(self, path: Path) -> None:
        with pytest.raises(Refused, match="agent 7001 may not go on break now"):
            await ask(path, lambda client: client.pause("7001", "never"))
        with pytest.raises(NotHere, match="there is no agent 9"):
            await ask(path, lambda client: client.resume("9"))
        with pytest.raises(Refused, match="name a priority, a bonus or both"):
            await ask(path, lambda client: client.prioritise(CALL.id, None, None))
        with pytest.raises(Refused, match=r"priority.*less than or equal to 10"):
            await ask(path, lambda client: client.prioritise(CALL.id, 11, None))

    @pytest.mark.parametrize(
        "name", ["", "/", "../status", "a/b", "%2F", "\r\nX: y", "\x00", "é" * 100, "x" * 10_000, "?a=b#c"]
    )
    async def test_odd_names_are_no_other_request(self, path: Path, desk: FakeDesk, name: str) -> None:
        for what in (lambda client: client.hang_up(name), lambda client: client.logout(name)):
            with pytest.raises(Refused):
                await ask(path, what)
        assert desk.asked == []

    async def test_it_describes_itself(self, path: Path) -> None:
        answer = await raw(path, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b'"/v1/calls/{call}/move"' in answer
        assert b"its time of entry kept" in answer

    async def test_an_unknown_path_is_an_error_in_the_same_form(self, path: Path) -> None:
        answer = await raw(path, b"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 404")
        assert b'{"error":' in answer

    async def test_a_body_is_small(self, path: Path) -> None:
        body = b"x" * 100_000
        head = b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert (await raw(path, head + body)).startswith(b"HTTP/1.1 413")


@pytest.mark.usefixtures("server")
class TestLive:
    async def test_facts_arrive_as_they_happen(self, path: Path, desk: FakeDesk) -> None:
        told: list[Fact] = [
            AgentPaused(at=1.0, agent="7001", reason="lunch", by="ann"),
            AlarmRaised(at=2.0, kind="link", reason="Asterisk is away"),
        ]

        def two(client: Client) -> list[Fact]:
            facts = client.facts()
            return [next(facts), next(facts)]

        reading = asyncio.ensure_future(ask(path, two))
        while not desk.listeners:
            await asyncio.sleep(0.01)
        for fact in told:
            desk.tell(fact)
        assert await reading == told
        while desk.listeners:
            await asyncio.sleep(0.01)

    async def test_a_reader_that_stands_still_is_cut_off(
        self, path: Path, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /v1/facts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for number in range(3_000):
            desk.tell(AgentPaused(at=float(number), agent="7001", reason="x" * 100, by="ann"))
        assert b"the reader fell too far behind" in await asyncio.wait_for(reader.read(), 30)
        writer.close()
        assert desk.listeners == []


async def test_stopping_ends_the_live_log_and_leaves_nothing_behind(desk: FakeDesk, path: Path) -> None:
    server = Server(desk, path)
    await server.start()
    reading = asyncio.ensure_future(ask(path, lambda client: list(client.facts())))
    while not desk.listeners:
        await asyncio.sleep(0.01)
    await asyncio.wait_for(server.stop(), 30)
    with pytest.raises(Unreachable, match="stopping"):
        await reading
    assert not path.exists()
    with pytest.raises(Unreachable, match="it isn't running"):
        await ask(path, Client.status)
    await server.start()
    assert await ask(path, Client.status) == STATUS
    await server.stop()


class TestTheSocket:
    async def test_its_mode(self, server: Server, path: Path) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660

    async def test_one_left_behind_is_replaced(self, desk: FakeDesk, path: Path) -> None:
        path.parent.mkdir()
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(path))
        left.close()
        server = Server(desk, path)
        await server.start()
        assert await ask(path, Client.status) == STATUS
        await server.stop()

    async def test_a_second_daemon_is_refused_and_harms_nothing(
        self, server: Server, desk: FakeDesk, path: Path
    ) -> None:
        second = Server(desk, path)
        with pytest.raises(Refused, match=rf"another daemon \(process {os.getpid()}\) already runs for this site"):
            await second.start()
        await second.stop()
        assert await ask(path, Client.status) == STATUS

    async def test_a_file_is_not_replaced(self, desk: FakeDesk, path: Path) -> None:
        path.parent.mkdir()
        path.write_text("precious")
        with pytest.raises(Refused, match="is no socket"):
            await Server(desk, path).start()
        assert path.read_text() == "precious"

    async def test_long_paths_work(self, desk: FakeDesk, tmp_path: Path) -> None:
        deep = tmp_path.joinpath(*["a-rather-long-folder-name"] * 8, "control.sock")
        server = Server(desk, deep)
        await server.start()
        assert await ask(deep, Client.status) == STATUS
        await server.stop()

    def test_it_works_in_uvloop(self, desk: FakeDesk, path: Path) -> None:
        async def use() -> None:
            server = Server(desk, path)
            await server.start()
            assert await ask(path, Client.status) == STATUS
            await server.stop()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(use())

    async def test_a_stranger_is_refused(self, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stranger = Peer(1, 60_000, frozenset({60_001}))
        monkeypatch.setattr(server_module, "peer_of", lambda _socket: stranger)
        with pytest.raises(Refused, match="only root, the daemon's user and members"):
            await ask(path, Client.status)

    def test_who_may_enter(self) -> None:
        assert Peer(1, 0, frozenset()).may_enter(5)
        assert Peer(1, os.geteuid(), frozenset()).may_enter(5)
        assert Peer(1, 60_000, frozenset({5})).may_enter(5)
        assert not Peer(1, 60_000, frozenset({6})).may_enter(5)
        assert Peer(1, 60_000, frozenset()).user == "uid 60000"


class TestTheClient:
    async def test_a_hung_daemon_is_not_waited_for(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Client._ask, "__defaults__", (None, 0.1))
        path.parent.mkdir()
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.bind(str(path))
            deaf.listen()
            with pytest.raises(Unreachable, match="in time"):
                await ask(path, Client.queues)

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"hello\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
            b"HTTP/1.1 500 no\r\nContent-Length: 1\r\n\r\nx",
            b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"id":1}',
        ],
    )
    async def test_a_foreign_answer_is_one_sentence(self, path: Path, answer: bytes) -> None:
        async def foreign(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(answer)
            writer.close()

        path.parent.mkdir()
        async with await asyncio.start_unix_server(foreign, path):
            with pytest.raises(Unreachable, match="the daemon can't be reached at"):
                await ask(path, Client.status)

    def test_no_daemon(self, tmp_path: Path) -> None:
        for path in (
            tmp_path / "control.sock",
            tmp_path / "x" / "control.sock",
            tmp_path.joinpath(*["deep"] * 40) / "s",
        ):
            with pytest.raises(Unreachable, match="it isn't running"):
                Client(path).status()


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["queue", "bonus", "priority", "phone"]), inner)
    ),
)
PLACES = ["/v1/agents/7001/login", f"/v1/calls/{CALL.id}/prioritise", "/v1/reload", "/v1/calls/x/move"]
NAMES = st.text(min_size=1, max_size=30).map(lambda name: "/v1/calls/" + quote(name, errors="replace"))


def test_no_garbage_makes_it_fail(tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = Server(FakeDesk(), path)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        where=st.sampled_from(PLACES) | NAMES,
        method=st.sampled_from(["GET", "POST", "PUT"]),
        body=st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode()),
    )
    def send(where: str, method: str, body: bytes) -> None:
        head = f"{method} {where} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        answer = runner.run(raw(path, head.encode() + b"Content-Type: application/json\r\n\r\n" + body))
        assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 3")), answer

    with asyncio.Runner() as runner:
        runner.run(server.start())
        send()
        runner.run(server.stop())
