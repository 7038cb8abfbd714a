"""The daemon's control API as its clients speak it: views in, sentences out as errors. Blocks; used by the CLI.

Standard library only: a command has 0.4 s in all, and httpx would take a good tenth of it to import (and leaks its socket
when nobody listens at a Unix path).
"""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from callhandler.control.desk import NotHere, ReloadResult
from callhandler.control.paths import reachable
from callhandler.core.plain import Plain, from_plain
from callhandler.core.views import AgentView, CallbackView, CallView, DecisionView, ItemView, QueueView, StatusView
from callhandler.errors import Refused, Unreachable

if TYPE_CHECKING:
    from callhandler.core.events import Fact

_DEADLINE = 15.0
"""Seconds for an answer: far more than a daemon takes that has the processor, since on a busy machine it may have to wait for that."""
_RELOAD_DEADLINE = 60.0
"""A reload may speak new prompts and set up Asterisk anew."""
_STREAM_DEADLINE = 15.0
"""Seconds of silence on the live stream: three heartbeats (control/streams.py)."""
_FOREIGN = "it answered something else than its control API would"
T = TypeVar("T")


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("callhandler", timeout=timeout)
        self._path = path
        self._timeout = timeout

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout)
        with reachable(self._path) as name:
            self.sock.connect(name)


class Client:
    """The daemon as others ask it. Refused when it says no, NotHere for what isn't there, else Unreachable."""

    def __init__(self, socket: Path) -> None:
        """Take the path of the control socket; each request connects anew."""
        self._socket = socket

    def status(self) -> StatusView:
        """Return how the daemon is."""
        return self._one(StatusView, "GET", "/status")

    def calls(self) -> tuple[CallView, ...]:
        """Return the calls that are here now."""
        return self._many(CallView, "/calls")

    def call(self, call: str) -> CallView:
        """Return one call that is here now."""
        return self._one(CallView, "GET", f"/calls/{_quoted(call)}")

    def decisions(self, call: str) -> tuple[DecisionView, ...]:
        """Return a call's routing decisions."""
        return self._many(DecisionView, f"/calls/{_quoted(call)}/decisions")

    def agents(self) -> tuple[AgentView, ...]:
        """Return all agents."""
        return self._many(AgentView, "/agents")

    def queues(self) -> tuple[QueueView, ...]:
        """Return all queues."""
        return self._many(QueueView, "/queues")

    def login(self, agent: str, phone: str | None) -> AgentView:
        """Log an agent in."""
        return self._one(AgentView, "POST", f"/agents/{_quoted(agent)}/login", {"phone": phone})

    def logout(self, agent: str) -> AgentView:
        """Log an agent out."""
        return self._one(AgentView, "POST", f"/agents/{_quoted(agent)}/logout")

    def pause(self, agent: str, reason: str) -> AgentView:
        """Send an agent on break."""
        return self._one(AgentView, "POST", f"/agents/{_quoted(agent)}/pause", {"reason": reason})

    def resume(self, agent: str) -> AgentView:
        """Make an agent available."""
        return self._one(AgentView, "POST", f"/agents/{_quoted(agent)}/resume")

    def hang_up(self, call: str) -> None:
        """Hang up a call."""
        self._ask("POST", f"/calls/{_quoted(call)}/hangup")

    def move(self, call: str, queue: str) -> CallView:
        """Move a waiting call."""
        return self._one(CallView, "POST", f"/calls/{_quoted(call)}/move", {"queue": queue})

    def prioritise(self, call: str, priority: int | None, bonus: float | None) -> CallView:
        """Change a waiting call's order."""
        body: dict[str, Plain] = {"priority": priority, "bonus": bonus}
        return self._one(CallView, "POST", f"/calls/{_quoted(call)}/prioritise", body)

    def emergency_close(self, reason: str) -> None:
        """Close the whole site."""
        self._ask("POST", "/emergency/close", {"reason": reason})

    def emergency_open(self) -> None:
        """Open the site again."""
        self._ask("POST", "/emergency/open")

    def callbacks(self) -> tuple[CallbackView, ...]:
        """Return the callbacks that are open."""
        return self._many(CallbackView, "/callbacks")

    def callback(self, call: str) -> CallbackView:
        """Return one callback that is open."""
        return self._one(CallbackView, "GET", f"/callbacks/{_quoted(call)}")

    def add_callback(self, queue: str, number: str, name: str, due: float | None) -> CallbackView:
        """Have somebody called back."""
        body: dict[str, Plain] = {"queue": queue, "number": number, "name": name, "due": due}
        return self._one(CallbackView, "POST", "/callbacks", body)

    def cancel_callback(self, call: str, reason: str) -> None:
        """End a callback."""
        self._ask("POST", f"/callbacks/{_quoted(call)}/cancel", {"reason": reason})

    def reschedule_callback(self, call: str, due: float) -> CallbackView:
        """Have a callback wait until another time."""
        return self._one(CallbackView, "POST", f"/callbacks/{_quoted(call)}/reschedule", {"due": due})

    def run_callback(self, call: str) -> CallbackView:
        """Have a callback wait for its turn from now on."""
        return self._one(CallbackView, "POST", f"/callbacks/{_quoted(call)}/run")

    def inbox(self) -> tuple[ItemView, ...]:
        """Return what waits for a person to see to."""
        return self._many(ItemView, "/inbox")

    def claim(self, call: str) -> tuple[ItemView, ...]:
        """Take a call's items on."""
        return self._many(ItemView, f"/inbox/{_quoted(call)}/claim", "POST")

    def finish(self, call: str, reason: str) -> None:
        """Have a call's items done."""
        self._ask("POST", f"/inbox/{_quoted(call)}/done", {"reason": reason})

    def reload(self, dry_run: bool) -> ReloadResult:
        """Have the site file read again."""
        return self._one(ReloadResult, "POST", "/reload", {"dry_run": dry_run}, _RELOAD_DEADLINE)

    def facts(self) -> Iterator["Fact"]:
        """Yield facts as they happen, for ever; those that only a newer daemon knows are passed over."""
        with self._request("GET", "/facts", None, _STREAM_DEADLINE) as answer:
            while line := self._line(answer):
                if line != b"\n" and (fact := self._fact(line)) is not None:
                    yield fact
        raise self._away("it ended the live log")

    def _line(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.readline()
        except (OSError, http.client.HTTPException) as error:
            raise self._away(_why(error)) from None

    def _fact(self, line: bytes) -> "Fact | None":
        from callhandler.core.plain_facts import fact_from_plain  # noqa: PLC0415 - only the live log needs the facts

        try:
            plain = json.loads(line)
        except ValueError:
            raise self._away(_FOREIGN) from None
        if isinstance(plain, dict) and "error" in plain:
            raise self._away(str(plain["error"]))
        try:
            return fact_from_plain(plain)
        except ValueError:
            return None

    def _one(
        self, kind: type[T], method: str, path: str, body: dict[str, Plain] | None = None, deadline: float = _DEADLINE
    ) -> T:
        try:
            return from_plain(kind, self._ask(method, path, body, deadline))
        except ValueError as error:
            raise self._away(f"it answered something unexpected ({error})") from None

    def _many(self, kind: type[T], path: str, method: str = "GET") -> tuple[T, ...]:
        plain = self._ask(method, path)
        if not isinstance(plain, list):
            raise self._away("it answered something unexpected")
        try:
            return tuple(from_plain(kind, one) for one in plain)
        except ValueError as error:
            raise self._away(f"it answered something unexpected ({error})") from None

    def _ask(self, method: str, path: str, body: dict[str, Plain] | None = None, deadline: float = _DEADLINE) -> Plain:
        with self._request(method, path, body, deadline) as answer:
            return self._json(answer)

    @contextmanager
    def _request(
        self, method: str, path: str, body: dict[str, Plain] | None, deadline: float
    ) -> Iterator[http.client.HTTPResponse]:
        text = None if body is None else json.dumps(body).encode()
        with closing(_Connection(self._socket, deadline)) as connection:
            try:
                connection.request(method, f"/v1{path}", text, {"Content-Type": "application/json"})
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise self._away(_why(error)) from None
            with answer:
                if answer.status != 200:
                    raise self._refusal(answer)
                yield answer

    def _json(self, answer: http.client.HTTPResponse) -> Plain:
        try:
            plain: Plain = json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._away(_why(error)) from None
        except (ValueError, RecursionError):
            raise self._away(_FOREIGN) from None
        return plain

    def _refusal(self, answer: http.client.HTTPResponse) -> Exception:
        plain = self._json(answer)
        if not isinstance(plain, dict) or "error" not in plain:
            return self._away(_FOREIGN)
        sentence = str(plain["error"])
        return NotHere(sentence) if answer.status == 404 else Refused(sentence)

    def _away(self, why: str) -> Unreachable:
        return Unreachable(f"the daemon can't be reached at {self._socket}: {why}")


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="replace") or "%20"


def _why(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "it doesn't answer in time"
        case PermissionError():
            return "you are neither its user nor in its socket's group"
        case FileNotFoundError() | ConnectionRefusedError() | NotADirectoryError():
            return "it isn't running"
        case OSError():
            return "it broke off"
    return _FOREIGN
