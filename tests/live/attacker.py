"""Somebody on the network who means no good: says any SIP from any loopback address, and guesses passwords. Knows no callhandler."""

import hashlib
import re
import secrets
import socket
from types import TracebackType

Address = tuple[str, int]


class Stranger:
    """A UDP socket on a loopback address of its own, such as 127.0.0.2, that knows enough SIP to be a nuisance."""

    def __init__(self, server: Address, own: str = "127.0.0.2") -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((own, 0))
        self._socket.settimeout(10.0)
        self.host, self.port = self._socket.getsockname()

    def __enter__(self) -> "Stranger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(
        self, method: str, number: str, user: str, *, extra: str = "", call: str = "", count: int = 1, body: str = ""
    ) -> str:
        """Send a request to `number` as `user` and return the first answer that isn't provisional, whole; empty for silence."""
        branch, target = secrets.token_hex(8), f"sip:{number}@{self._server[0]}:{self._server[1]}"
        uri = target if number else target.replace("@", "")
        to = f"sip:{user}@{self._server[0]}:{self._server[1]}" if method == "REGISTER" else uri
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{branch}",
            f"From: <sip:{user}@{self.host}:{self.port}>;tag={branch}",
            f"To: <{to}>",
            f"Call-ID: {call or branch}",
            f"CSeq: {count} {method}",
            f"Contact: <sip:{user}@{self.host}:{self.port}>",
            "Max-Forwards: 70",
            *([extra] if extra else []),
            f"Content-Length: {len(body)}",
        ]
        self._socket.sendto("\r\n".join([*lines, "", body]).encode(), self._server)
        try:
            while (answer := self._socket.recv(65_535).decode()).startswith(
                "SIP/2.0 1"
            ) or f"z9hG4bK{branch}" not in answer:
                pass
        except TimeoutError:
            return ""
        return answer

    def register(self, user: str, login: str, password: str, call: str = "") -> int:
        """Try to register as `user` with somebody's login; return the status of the last answer. `call`: the Call-ID, any text."""
        call = call or secrets.token_hex(8)
        first = self.ask("REGISTER", "", user, call=call)
        said = dict(re.findall(r'(\w+)="?([^",\r]+)"?', _line(first, "WWW-Authenticate")))
        uri, cnonce = f"sip:{self._server[0]}:{self._server[1]}", secrets.token_hex(4)
        one, two = _md5(f"{login}:{said['realm']}:{password}"), _md5(f"REGISTER:{uri}")
        response = _md5(f"{one}:{said['nonce']}:00000001:{cnonce}:auth:{two}")
        words = {"username": login, "realm": said["realm"], "nonce": said["nonce"], "uri": uri, "response": response}
        words |= {"cnonce": cnonce, "opaque": said.get("opaque", "")}
        digest = ", ".join(f'{name}="{value}"' for name, value in words.items())
        extra = f"Authorization: Digest {digest}, algorithm=MD5, nc=00000001, qop=auth"
        return status(self.ask("REGISTER", "", user, extra=extra, call=call, count=2))


def status(answer: str) -> int:
    """The status of an answer; 0 for silence."""
    return int(answer[8:11]) if answer else 0


def shape(answer: str) -> list[str]:
    """What an answer says apart from what is different in each: to compare two of them."""
    lines = (re.sub(r'(nonce|opaque)="[^"]*"', r'\1=""', line) for line in answer.split("\r\n"))
    return [line for line in lines if not line.startswith(("Via:", "From:", "To:", "Call-ID:"))]


def _line(answer: str, name: str) -> str:
    found = re.search(rf"(?mi)^{name}: (.*?)\r?$", answer)
    return found[1] if found else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
