"""Many plain callers and agents at once for live tests: the demo's SIPp scenarios with a site's own phones.

Who waits, talks and is hung up on is read from SIPp's logs: from SIP alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callhandler.demo.heard import SipCall, sip_calls
from callhandler.demo.sipp import Sipp
from callhandler.demo.visits import Manner

from .lab import SiteUp

SIPP_PORTS = 4
"""Ports of one SIPp process: SIP, and media from the second on."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """A caller who dials `number` after `start` seconds and waits patiently, `patience` seconds from the answer on."""

    caller: str
    number: str
    start: float
    patience: float


@dataclass
class Crowd:
    """Callers and agents' phones of one test, as a context manager."""

    site: SiteUp
    folder: Path

    def __enter__(self) -> "Crowd":
        self._sipp = Sipp(self.site.lab.program("sipp"), self.folder, self.site.told["sip"]["port"])
        self._sipp.__enter__()
        self._phones: list[str] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._sipp.__exit__(None, None, None)

    def phone(self, user: str, ring: float, talks: Sequence[float]) -> None:
        """Register a phone that answers after `ring` seconds and talks as long as `talks` says, call by call."""
        port = self.site.ports(SIPP_PORTS)
        login = f"[authentication username={user} password={self.site.password(user)}]"
        self._sipp.start(f"register-{user}", "register", [(user, login)], port, port + 2, "-m", "1")
        self._sipp.finish(f"register-{user}", 10)
        rows = [
            (f"{count:.6f}", str(int(Manner.ANSWER)), _ms(ring), _ms(talk)) for count, talk in enumerate([0.0, *talks])
        ]
        name = f"phone-{user}"
        self._sipp.start(name, "agent", rows, port, port + 2, "-aa", "-infindex", f"{name}.csv", "0")
        self._phones.append(user)

    def callers(self, crowd: Sequence[Dialled]) -> None:
        """Let callers dial over the trunk (once for each crowd)."""
        port, count = self.site.ports(SIPP_PORTS), str(len(crowd))
        rows = [(one.caller, "Caller", one.number, _ms(one.start), "-1", "", _ms(one.patience)) for one in crowd]
        self._sipp.start("callers", "caller", rows, port, port + 2, "-m", count, "-l", count, "-r", count, keys=1)

    def callers_done(self, within: float) -> None:
        """Wait until all callers have hung up or were hung up on."""
        self._sipp.finish("callers", within)

    def seen(self) -> list[SipCall]:
        """What the SIP side has seen up to now."""
        return sip_calls(
            self._sipp.lines("callers"), {user: list(self._sipp.lines(f"phone-{user}")) for user in self._phones}
        )


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
