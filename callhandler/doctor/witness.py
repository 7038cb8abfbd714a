"""An independent witness on AMI: logs in with pyst2 as the site's own user, tries what must work and what must not, and leaves.

Changes nothing and rings nobody. How pyst2 is kept from hanging is `pyst.py`'s business.
"""

import re
import socket
import time

from callhandler.asterisk import wire
from callhandler.doctor.pyst import Pyst, PystGone
from callhandler.doctor.seen import AmiSeen, Door

_CONNECT = 1.0
_EVENTS = 1.0
_DENIED = ("permission denied", "access forbidden")
_NOWHERE = "Local/none@callhandler-doctor"
"""A channel that can't be: there is no such context, so nobody is rung; yet channels come, fail and hang up."""
_MUST_WORK = {
    wire.STATUS_ACTION: {},
    wire.DEVICE_STATE_LIST: {},
    wire.ORIGINATE: {
        "Channel": _NOWHERE, "Context": wire.CONTEXT_OFFER, "Exten": "s", "Priority": "1", "Timeout": "1000", "Async": "true",
    },
}  # fmt: skip
_MUST_NOT = {
    "Command": {"Command": "core show uptime"},
    "GetConfig": {"Filename": "callhandler-doctor.conf"},
    "CoreStatus": {},
}
"""One harmless action of each of the classes command, config, and system or reporting."""


def look(host: str, port: int, user: str, secret: str) -> AmiSeen:
    """Return what a user with these words sees. Takes up to some seconds; call it with an end of your own."""
    if ":" in host:
        return AmiSeen(door=Door.UNSPOKEN, detail=f"pyst2 can't connect to {host}: it knows IPv4 only")
    try:
        socket.create_connection((host, port), _CONNECT).close()
    except TimeoutError:
        return AmiSeen(door=Door.SILENT, detail="the connection was not taken")
    except OSError as error:
        return AmiSeen(door=Door.CLOSED, detail=error.strerror or str(error))
    with Pyst() as pyst:
        try:
            if not pyst.connect(host, port).startswith("Asterisk Call Manager"):
                return AmiSeen(door=Door.FOREIGN, detail="it greets otherwise than Asterisk does")
        except PystGone as gone:
            return AmiSeen(door=Door.FOREIGN, detail=str(gone))
        try:
            answer = pyst.ask("Login", {"Username": user, "Secret": secret})
            if answer.get("Response") != wire.SUCCESS:
                return AmiSeen(door=Door.REFUSED, detail=answer.get("Message", ""))
            return _inside(pyst)
        except PystGone as gone:
            return AmiSeen(door=Door.SILENT, detail=str(gone))


def _inside(pyst: Pyst) -> AmiSeen:
    skew = _skew(pyst)
    commands = pyst.ask("ListCommands", {})
    tried = {name: _denied(pyst.ask(name, headers)) for name, headers in (_MUST_WORK | _MUST_NOT).items()}
    pyst.wait_for({wire.HANGUP, wire.ORIGINATE_RESPONSE}, _EVENTS if not tried[wire.ORIGINATE] else 0.0)
    events = pyst.events()
    return AmiSeen(
        door=Door.IN,
        actions=_actions(commands) or None,
        refused=frozenset(name for name, denied in tried.items() if denied),
        allowed=frozenset(name for name, denied in tried.items() if not denied),
        events=frozenset(event.get("Event", "") for event in events),
        devices={
            event["Device"]: event["State"]
            for event in events
            if event.get("Event") == wire.DEVICE_STATE and {"Device", "State"} <= event.keys()
        },
        skew=skew,
    )


def _denied(answer: dict[str, str]) -> bool:
    message = answer.get("Message", "").lower()
    return answer.get("Response") == "Error" and any(word in message for word in _DENIED)


def _skew(pyst: Pyst) -> float | None:
    """Return Asterisk's clock minus ours, by Ping's timestamp; the way there and back is shared equally."""
    before = time.time()
    stamp = pyst.ask("Ping", {}).get("Timestamp", "")
    return float(stamp) - (before + time.time()) / 2 if re.fullmatch(r"\d{9,11}\.\d{1,9}", stamp) else None


def _actions(headers: dict[str, str]) -> dict[str, frozenset[str]]:
    """Return ListCommands' actions, each with the classes of which any allows it; nothing for those that everybody may."""
    found = {}
    for name, told in headers.items():
        classes = re.search(r"\(Priv: ([^)]*)\)", told)
        if classes:
            found[name] = frozenset(classes[1].split(",")) - {"all", "<none>"}
    return found
