"""A mail server and an MQTT broker that ask for a password and then refuse it, whatever it is: what the daemon says of that is looked at.

Each keeps the passwords it was shown, so that a test can tell that they were sent at all. They know no callhandler.
"""

import base64
import contextlib
import socketserver
import threading
from collections.abc import Iterator


class Doorkeeper(socketserver.ThreadingTCPServer):
    """A server on loopback, in threads of its own, until its `with` is over."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, handler: type[socketserver.StreamRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.shown: list[str] = []


class _Mail(socketserver.StreamRequestHandler):
    """SMTP (RFC 5321) with AUTH PLAIN (RFC 4616), up to the refusal."""

    server: Doorkeeper
    timeout = 10

    def handle(self) -> None:
        """Greet, offer AUTH, refuse."""
        self.wfile.write(b"220 door ESMTP\r\n")
        with contextlib.suppress(OSError):
            while line := self.rfile.readline(4_096).strip():
                words = line.split()
                match words[0].upper():
                    case b"EHLO":
                        self.wfile.write(b"250-door\r\n250 AUTH PLAIN\r\n")
                    case b"AUTH":
                        self.server.shown.append(base64.b64decode(words[-1]).decode().rpartition("\0")[2])
                        self.wfile.write(b"535 5.7.8 Authentication credentials invalid\r\n")
                    case b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    case _:
                        self.wfile.write(b"530 5.7.0 Authentication required\r\n")


class _Broker(socketserver.StreamRequestHandler):
    """MQTT 3.1.1, up to a CONNACK that says: bad user name or password."""

    server: Doorkeeper
    timeout = 10

    def handle(self) -> None:
        """Take a CONNECT, whose last field is the password; refuse."""
        with contextlib.suppress(OSError, IndexError):
            length = self.rfile.read(2)[1]
            packet = self.rfile.read(length)
            self.server.shown.append(_last_string(packet).decode())
            self.wfile.write(b"\x20\x02\x00\x04")


def _last_string(packet: bytes) -> bytes:
    """The last of the strings, each with its length before it, that follow the ten bytes of a CONNECT's variable header."""
    at, last = 10, b""
    while at + 2 <= len(packet):
        length = int.from_bytes(packet[at : at + 2], "big")
        last, at = packet[at + 2 : at + 2 + length], at + 2 + length
    return last


@contextlib.contextmanager
def refusing(mail: int, mqtt: int) -> Iterator[dict[str, list[str]]]:
    """Both, on these ports; gives the passwords that each was shown."""
    with contextlib.ExitStack() as stack:
        shown = {}
        for name, port, handler in (("mail", mail, _Mail), ("mqtt", mqtt, _Broker)):
            server = stack.enter_context(Doorkeeper(port, handler))
            thread = threading.Thread(target=server.serve_forever, name=f"doorkeeper of {name}")
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            shown[name] = server.shown
        yield shown
