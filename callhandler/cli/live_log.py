"""The live log: calls as the journal has them, the daemon's warnings and Asterisk's, as lines for people."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from callhandler.core.plain import printable
from callhandler.errors import Refused
from callhandler.report.sentences import Telling
from callhandler.site.loading import LoadedSite
from callhandler.store.queries import facts_after, last_seq
from callhandler.store.sources import Source, open_source

T = TypeVar("T")

_EVERY = 0.2
_MOST = 300
_SAME_AGAIN = 60.0
_PARTICULAR = re.compile(r"'[^']*'|[0-9]+")
_STYLES = {"debug": "dim", "info": "", "warning": "yellow", "error": "red", "critical": "bold red"}
_ASTERISK = re.compile(r"^\[([\d-]+ [\d:]+)[.\d]*\] (WARNING|ERROR)\[[^\]]*\](?:\[[^\]]*\])? ([^:]+): (.*)")
_HARMLESS = ("The FD we were waiting for has something waiting.",)
"""How warnings begin that mean nothing: this one that the daemon spoke while the dialplan waited for a key (main/channel.c)."""


class Follower:
    """The lines that a file gets from now on; a file that is moved away is followed under its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0
        self._offset = 0
        self._rest = b""
        if path.exists():
            state = path.stat()
            self._inode, self._offset = state.st_ino, state.st_size

    def lines(self) -> Iterator[str]:
        """The lines that are new since the last time."""
        try:
            state = self._path.stat()
        except OSError:
            return
        if state.st_ino != self._inode or state.st_size < self._offset:
            self._inode, self._offset, self._rest = state.st_ino, 0, b""
        if state.st_size == self._offset:
            return
        with self._path.open("rb") as handle:
            handle.seek(self._offset)
            data = self._rest + handle.read(1_000_000)
            self._offset = handle.tell()
        *whole, self._rest = data.split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)


def daemon_line(line: str, zone: ZoneInfo) -> Text | None:
    """A line of the daemon's log for people, at the site's time; None when it is none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    level = str(entry.pop("level", "info"))
    what = str(entry.pop("event", ""))
    part = str(entry.pop("part", entry.pop("logger", "")))
    details = "  ".join(f"{key}={value}" for key, value in entry.items() if key not in {"timestamp", "exception"})
    shown = Text(f"{_clock(str(entry.get('timestamp', '')), zone)} ", style="dim")
    shown.append(f"{printable(part, 20):<11} " if part else "", style="cyan")
    shown.append(printable(what, _MOST), style=_STYLES.get(level, ""))
    shown.append(f"  {printable(details, _MOST)}" if details else "", style="dim")
    if problem := str(entry.get("exception", "")):
        shown.append(f"  {printable(problem.strip().splitlines()[-1], _MOST)}", style="red")
    return shown


def asterisk_line(line: str, zone: ZoneInfo) -> Text | None:
    """A warning or error of Asterisk for people, at the site's time; None for anything else, and for what means nothing."""
    found = _ASTERISK.match(line)
    if found is None or found[4].startswith(_HARMLESS):
        return None
    shown = Text(f"{_clock(found[1], zone)} ", style="dim")
    shown.append(f"{'asterisk':<11} ", style="cyan")
    shown.append(printable(found[4], _MOST), style=_STYLES[found[2].lower()])
    return shown


class Once:
    """Lines that differ only in numbers and names are shown once a minute: while the daemon is away, every caller's every try is one."""

    def __init__(self, zone: ZoneInfo, clock: Callable[[], float] = time.monotonic) -> None:
        self._zone = zone
        self._clock = clock
        self._shown: dict[str, float] = {}

    def __call__(self, line: str) -> Text | None:
        """A warning or error of Asterisk for people; None for anything else, and for what was just shown."""
        shown = asterisk_line(line, self._zone)
        found = _ASTERISK.match(line)
        if shown is None or found is None:
            return None
        now, kind = self._clock(), _PARTICULAR.sub("", found[4])
        self._shown = {one: at for one, at in self._shown.items() if now - at < _SAME_AGAIN}
        if kind in self._shown:
            return None
        self._shown[kind] = now
        return shown


class Facts:
    """The facts that the journal gets from now on, as sentences."""

    def __init__(self, loaded: LoadedSite) -> None:
        self._url = loaded.site.daemon.database
        self._directory = loaded.directory
        self._telling = Telling(ZoneInfo(loaded.site.company.time_zone))
        self._seq = self._ask(last_seq) or 0

    def lines(self) -> list[str]:
        """The sentences that are new since the last time."""
        stored = self._ask(lambda source: facts_after(source, self._seq)) or []
        if stored:
            self._seq = stored[-1].seq
        return [line for one in stored if one.fact is not None and (line := self._telling.line(one.fact))]

    def _ask(self, question: Callable[[Source], T]) -> T | None:
        try:
            with open_source(self._url, self._directory) as source:
                return question(source)
        except Refused:
            return None  # not there yet, or not readable: the daemon's own log says why


async def follow(console: Console, loaded: LoadedSite, asterisk: Path) -> None:
    """Show calls and both logs for ever, all by the site's clock."""
    zone = ZoneInfo(loaded.site.company.time_zone)
    sources: list[tuple[Follower, Callable[[str], Text | None]]] = [
        (Follower(loaded.inside(loaded.site.daemon.log)), partial(daemon_line, zone=zone)),
        (Follower(asterisk), Once(zone)),
    ]
    facts = Facts(loaded)
    while True:
        for sentence in await asyncio.to_thread(facts.lines):
            console.print(Text(sentence), soft_wrap=True)
        for follower, shown in sources:
            for line in follower.lines():
                if (text := shown(line)) is not None:
                    console.print(text, soft_wrap=True)
        await asyncio.sleep(_EVERY)


def _clock(timestamp: str, zone: ZoneInfo) -> str:
    """A time in the site's zone; one that names no zone is this machine's, as Asterisk writes it."""
    try:
        return datetime.fromisoformat(timestamp).astimezone(zone).strftime("%H:%M:%S")
    except ValueError:
        return "        "
