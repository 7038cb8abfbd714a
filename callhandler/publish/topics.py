"""The topic tree of docs/mqtt.md, and the states that are retained in it. Pure."""

import json
import re
from collections.abc import Sequence
from typing import Protocol

from callhandler.core.events import Fact
from callhandler.core.plain import to_plain
from callhandler.core.views import AgentView, CallView, QueueView

_RESERVED = re.compile(r"[/+#%\x00-\x1f\x7f]")
_PASSING = {"waited", "longest_wait"}
"""Fields that change by themselves as time passes: left out, for `entered` and `since` say the same once and for all."""


class Present(Protocol):
    """Where the present can be looked at."""

    def calls(self) -> Sequence[CallView]:
        """Return the calls that are here."""

    def agents(self) -> Sequence[AgentView]:
        """Return all agents."""

    def queues(self) -> Sequence[QueueView]:
        """Return all queues."""


class Topics:
    """The names of all topics of one daemon."""

    def __init__(self, root: str, node: str) -> None:
        """Take the site's topic and this Asterisk's name."""
        self._base = f"{root.strip('/')}/{level(node)}"
        self.online = f"{self._base}/online"
        self.own = (*(f"{self._base}/{kind}/+" for kind in ("calls", "agents", "queues")), self.online)

    def event(self, fact: Fact) -> str:
        """Return the topic of a fact."""
        return f"{self._base}/events/{type(fact).__name__}"

    def state(self, kind: str, id_: str) -> str:
        """Return the topic of a state; `kind` is calls, agents or queues."""
        return f"{self._base}/{kind}/{level(id_)}"


def level(text: str) -> str:
    """Return `text` as one level of a topic: what separates, matches or is forbidden there becomes %XX."""
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", text) or "%"


def states(topics: Topics, present: Present) -> dict[str, bytes]:
    """Return the payload of each state's topic now."""
    views: list[tuple[str, CallView | AgentView | QueueView]] = [
        *(("calls", call) for call in present.calls()),
        *(("agents", agent) for agent in present.agents()),
        *(("queues", queue) for queue in present.queues()),
    ]
    return {topics.state(kind, view.id): _payload(view) for kind, view in views}


def _payload(view: CallView | AgentView | QueueView) -> bytes:
    plain = to_plain(view)
    assert isinstance(plain, dict)
    lasting = {name: value for name, value in plain.items() if name not in _PASSING}
    return json.dumps(lasting, separators=(",", ":")).encode()
