"""Two offices with equal phones, one for callhandler and one for the peers, side by side: both run, one at a time is called.

Must not know what is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.common import Office, Sipp, System, ours, peer
from callhandler.demo.place import running
from callhandler.site.loading import LoadedSite

PEER_PORTS = 40
"""The peers' ports for SIP are so many further; those for audio are the same, for only one system at a time has calls."""


@dataclass(frozen=True, slots=True)
class Side:
    """One office, its site and its SIPp processes."""

    office: Office
    loaded: LoadedSite
    sipp: Sipp


class Hall:
    """Both sides, in a folder; a person talks for `talk` seconds and has `wrap_up` seconds afterwards."""

    def __init__(self, folder: Path, agents: int, base: int, wrap_up: float, talk: float) -> None:
        self._talk = talk
        self.mine = _side(Office(folder / "ours", agents, base, wrap_up))
        self.theirs = _side(Office(folder / "theirs", agents, base + PEER_PORTS, wrap_up))
        with running(self.theirs.loaded):
            pass  # lays out the folders and speaks the menu that the peers play

    @contextmanager
    def ours(self) -> Iterator[System]:
        """Start callhandler anew, until the end of the block."""
        with ours(self.mine.loaded, self.mine.sipp, self._talk) as system:
            yield system

    @contextmanager
    def peer(self) -> Iterator[System]:
        """Start the peers' Asterisk anew, until the end of the block."""
        with peer(self.theirs.loaded, self.theirs.sipp, self._talk) as system:
            yield system


def _side(office: Office) -> Side:
    loaded = office.build()
    return Side(office, loaded, Sipp(office, loaded))
