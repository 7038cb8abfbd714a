"""pyst2 kept from its own defects, against peers that do what kills or hangs it."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from callhandler.doctor import witness
from callhandler.doctor.pyst import Pyst, PystGone
from callhandler.doctor.seen import Door

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def peer(serve: Serve) -> Iterator[int]:
    """A server on loopback that serves every connection in a thread of its own until the test ends."""
    server = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def served(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                threading.Thread(target=served, args=(connection,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        acceptor.join(2)
        for connection in connections:
            connection.close()


def answering(answer: Callable[[dict[str, str]], bytes]) -> Serve:
    """Greet, then answer each action."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(GREETING)
        buffer = b""
        while data := connection.recv(4_096):
            buffer += data
            while b"\r\n\r\n" in buffer:
                message, _, buffer = buffer.partition(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in message.decode().split("\r\n"))
                connection.sendall(answer(headers))

    return serve


def good(headers: dict[str, str]) -> bytes:
    head = f"Response: Success\r\nActionID: {headers['ActionID']}\r\nMessage: {headers['Action']}\r\n\r\n".encode()
    event = b"Event: Hangup\r\nChanVariable(PJSIP/1): A=1\r\nChanVariable: B=2\r\nChannel: PJSIP/1\r\n\r\n"
    return event + head


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "message_loop" in thread.name or "event" in thread.name}


def test_an_event_with_channel_variables_does_not_kill_the_reader() -> None:
    with peer(answering(good)) as port, Pyst(30.0) as pyst:
        assert pyst.connect("127.0.0.1", port) == "Asterisk Call Manager"
        for _ in range(3):
            assert pyst.ask("Ping", {})["Message"] == "Ping"
        assert pyst.wait_for({"Hangup"}, 30.0)
        assert pyst.events()[0]["Channel"] == "PJSIP/1"


def test_a_peer_that_says_nothing_is_left() -> None:
    started = time.monotonic()
    silent = peer(lambda connection: connection.recv(1) and None)
    with silent as port, Pyst(0.3) as pyst, pytest.raises(PystGone, match="greet"):
        pyst.connect("127.0.0.1", port)
    assert time.monotonic() - started < 30
    assert threads() == set()


def test_an_answer_that_never_comes_ends_the_conversation() -> None:
    with peer(answering(lambda headers: b"")) as port, Pyst(0.3) as pyst:
        pyst.connect("127.0.0.1", port)
        with pytest.raises(PystGone, match="not answered"):
            pyst.ask("Ping", {})
        with pytest.raises(PystGone, match="earlier"):
            pyst.ask("Ping", {})
    assert threads() == set()


def test_a_connection_that_breaks() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(GREETING)
        connection.recv(4_096)
        connection.shutdown(socket.SHUT_RDWR)

    with peer(serve) as port, Pyst(0.3) as pyst:
        pyst.connect("127.0.0.1", port)
        with pytest.raises(PystGone):
            pyst.ask("Ping", {})


@pytest.mark.parametrize("value", ["a\r\nAction: Command", "a\nb", "a\0b"])
def test_line_ends_are_refused(value: str) -> None:
    with Pyst() as pyst, pytest.raises(PystGone, match="line end"):
        pyst.ask("Login", {"Username": value})


def test_what_the_witness_tells_of_doors() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert witness.look("127.0.0.1", port, "u", "s").door is Door.CLOSED
    assert witness.look("::1", port, "u", "s").door is Door.UNSPOKEN
    with peer(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2/x\r\n")) as port:
        assert witness.look("127.0.0.1", port, "u", "s").door is Door.FOREIGN

    def refuse(headers: dict[str, str]) -> bytes:
        return f"Response: Error\r\nActionID: {headers['ActionID']}\r\nMessage: Authentication failed\r\n\r\n".encode()

    with peer(answering(refuse)) as port:
        seen = witness.look("127.0.0.1", port, "u", "s")
    assert (seen.door, seen.detail) == (Door.REFUSED, "Authentication failed")


def test_a_witness_inside_sees_what_may_be_done() -> None:
    def answer(headers: dict[str, str]) -> bytes:
        more = {"Ping": "Timestamp: 1.5", "ListCommands": "Originate: Originate a call.  (Priv: originate,all)"}
        if headers["Action"] in {"Command", "CoreStatus"}:
            return f"Response: Error\r\nActionID: {headers['ActionID']}\r\nMessage: Permission denied\r\n\r\n".encode()
        extra = more.get(headers["Action"], "A: b")
        events = b"Event: OriginateResponse\r\nX: y\r\n\r\nEvent: DeviceStateChange\r\nDevice: PJSIP/1\r\nState: BUSY\r\n\r\n"
        return events + good(headers).replace(b"\r\n\r\n", f"\r\n{extra}\r\n\r\n".encode())

    with peer(answering(answer)) as port:
        seen = witness.look("127.0.0.1", port, "u", "s")
    assert seen.door is Door.IN
    assert seen.refused == {"Command", "CoreStatus"}
    assert "GetConfig" in seen.allowed
    assert seen.devices == {"PJSIP/1": "BUSY"}
    assert seen.actions == {"Originate": {"originate"}}
    assert seen.skew is None
