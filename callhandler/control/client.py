"""The daemon's control API as its clients speak it: views in, sentences out as errors. Blocks; used by the CLI.

Imports no FastAPI and no pydantic: a command has 0.4 s in all.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx

from callhandler.control.desk import NotHere, ReloadResult
from callhandler.control.paths import reachable
from callhandler.core.events import Fact
from callhandler.core.plain import Plain, fact_from_plain, from_plain
from callhandler.core.views import AgentView, CallView, DecisionView, QueueView, StatusView
from callhandler.errors import Refused, Unreachable

_DEADLINE = 5.0
_RELOAD_DEADLINE = 60.0
"""A reload may speak new prompts and set up Asterisk anew."""
_STREAM_DEADLINE = 15.0
"""Seconds of silence on the live stream: three heartbeats (control/streams.py)."""
T = TypeVar("T")


class Client:
    """A connection to the daemon. Refused when it says no, NotHere for what isn't there, else Unreachable."""

    def __init__(self, socket: Path) -> None:
        """Take the path of the control socket; nothing is connected yet."""
        self._socket = socket
        self._stack = contextlib.ExitStack()
        self._http: httpx.Client | None = None

    def __enter__(self) -> Self:
        try:
            name = self._stack.enter_context(reachable(self._socket))
        except OSError:
            raise self._away("it isn't running") from None
        transport = httpx.HTTPTransport(uds=name)
        self._http = self._stack.enter_context(
            httpx.Client(transport=transport, base_url="http://callhandler/v1", timeout=_DEADLINE, trust_env=False)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

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

    def reload(self, dry_run: bool) -> ReloadResult:
        """Have the site file read again."""
        return self._one(ReloadResult, "POST", "/reload", {"dry_run": dry_run}, _RELOAD_DEADLINE)

    def facts(self) -> Iterator[Fact]:
        """Yield facts as they happen, for ever; those that only a newer daemon knows are passed over."""
        assert self._http is not None, "used outside its context"
        try:
            with self._http.stream("GET", "/facts", timeout=_STREAM_DEADLINE) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise self._refusal(answer)
                for line in answer.iter_lines():
                    if line and (fact := self._fact(line)) is not None:
                        yield fact
        except httpx.HTTPError as error:
            raise self._away(_why(error)) from None
        raise self._away("it ended the live log")

    def _fact(self, line: str) -> Fact | None:
        try:
            plain = json.loads(line)
        except ValueError:
            raise self._away("it answered something else than its control API would") from None
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

    def _many(self, kind: type[T], path: str) -> tuple[T, ...]:
        plain = self._ask("GET", path)
        if not isinstance(plain, list):
            raise self._away("it answered something unexpected")
        try:
            return tuple(from_plain(kind, one) for one in plain)
        except ValueError as error:
            raise self._away(f"it answered something unexpected ({error})") from None

    def _ask(self, method: str, path: str, body: dict[str, Plain] | None = None, deadline: float = _DEADLINE) -> Plain:
        assert self._http is not None, "used outside its context"
        try:
            answer = self._http.request(method, path, json=body, timeout=deadline)
        except httpx.HTTPError as error:
            raise self._away(_why(error)) from None
        if answer.status_code != 200:
            raise self._refusal(answer)
        try:
            plain: Plain = answer.json()
        except ValueError:
            raise self._away("it answered something else than its control API would") from None
        return plain

    def _refusal(self, answer: httpx.Response) -> Exception:
        try:
            sentence = str(answer.json()["error"])
        except (ValueError, KeyError, TypeError):
            return self._away("it answered something else than its control API would")
        return NotHere(sentence) if answer.status_code == 404 else Refused(sentence)

    def _away(self, why: str) -> Unreachable:
        return Unreachable(f"the daemon can't be reached at {self._socket}: {why}")


def _quoted(name: str) -> str:
    return quote(name, safe="") or "%20"


def _why(error: httpx.HTTPError) -> str:
    match error:
        case httpx.TimeoutException():
            return "it doesn't answer in time"
        case httpx.ConnectError() if "Permission" in str(error):
            return "you are neither its user nor in its socket's group"
        case httpx.ConnectError():
            return "it isn't running"
    return "it broke off"
