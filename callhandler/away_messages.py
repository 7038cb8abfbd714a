"""Messages that Asterisk took by itself while the daemon was away become ordinary ones: found by their files' names, told of once.

The dialplan (context callhandler-away) names such a file after the call, the number dialled and the digits of the caller's number. Whether
one was told of is the journal's to say, so that a crash at any moment neither loses nor doubles it: a fact that did not reach the disk is
made again from the file. Part of the edge: reads the folder of messages, and records facts by the switchboard.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

import structlog

from callhandler.asterisk import wire
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.calls import Call
from callhandler.core.inbox import MESSAGE
from callhandler.core.model import Outcome, RingEnd
from callhandler.messages import ENDING, FOLDER, MessageBox, is_name
from callhandler.scripts.message import SHORTEST
from callhandler.site.models import Site
from callhandler.switchboard import Switchboard

AWAY_KEPT = 30 * 86_400.0
"""Seconds after which a file in the folder of messages is no longer looked at."""
REASON = "left a message while the daemon was away"
_NAME = re.compile(r"(?P<call>.+)_away_(?P<number>[0-9]*)_(?P<caller>[0-9+]*)")
_HEADER, _BYTES_PER_SECOND = 44, 16_000
"""Of a WAV as Asterisk writes it: 16 bit, 8 kHz, mono."""
log = structlog.get_logger("messages")


class _Found(NamedTuple):
    """A file that Asterisk wrote: when its last sound came (seconds since the epoch), and for how many seconds it lasts."""

    name: str
    call: str
    number: str
    caller: str
    ended: float
    seconds: float


class AwayMessages:
    """Looks for such messages whenever Asterisk is seen again, and at the end of a call that was leaving one then."""

    def __init__(self, switchboard: Switchboard, directory: Path, site: Callable[[], Site]) -> None:
        """Take the site's folder, and what tells the site file in force."""
        self._switchboard = switchboard
        self._directory = directory
        self._box = MessageBox(directory)
        self._site = site
        self._told: set[str] = set()
        self._speaking: set[str] = set()
        self._cut_off: dict[str, tuple[Call, int]] | None = None

    def restore(self, files: Iterable[str]) -> None:
        """Take note of the files that the journal has told of; relative to the site, as in MessageLeft."""
        self._told |= {Path(file).stem for file in files}

    def observe(self, seen: o.Observation) -> None:
        """Take note of what Asterisk does, before the switchboard does: it would take a call that is gone for lost."""
        match seen:
            case o.LinkUp():
                self._speaking = {one.channel for one in seen.channels if one.context == wire.CONTEXT_AWAY}
                self._ring_no_more()
                live = {one.channel for one in seen.channels}
                for found in self._find("*"):
                    if found.call not in self._speaking:
                        self._take_in(found)
                    if found.call not in live:
                        self._end(found)
                if self._cut_off is None:
                    self._look_after_those_cut_off(live)
            case o.ChannelEnded() if self._cut_off and seen.channel in self._cut_off:
                call, before = self._cut_off.pop(seen.channel)
                if len(takes := self._takes(call)) == before:
                    self._take_in_unfinished(call, takes)
            case o.ChannelEnded() if seen.channel in self._speaking:
                self._speaking.discard(seen.channel)
                for found in self._find(f"{seen.channel}_away_*"):
                    self._take_in(found)
                    self._end(found)

    def _ring_no_more(self) -> None:
        """Who was kept ringing and leaves a message now was answered by Asterisk, and isn't to be let in in the middle of it."""
        now = self._switchboard.clock()
        for channel in self._speaking:
            call = self._switchboard.calls.at(channel)
            if call is not None and (rang := call.rang(now, RingEnd.LONGEST)) is not None:
                self._switchboard.record(rang)

    def _look_after_those_cut_off(self, live: set[str]) -> None:
        """Once after a start: who spoke to us when the last daemon died, and hung up since, or does so before anybody records again, has
        left a message too. Asterisk records on by itself.
        """
        self._cut_off = {}
        for call in list(self._switchboard.calls.here.values()):
            takes = self._takes(call)
            if call.at not in live:
                self._take_in_unfinished(call, takes)
            elif takes:
                self._cut_off[call.at] = call, len(takes)

    def _takes(self, call: Call) -> list[_Found]:
        """Find what scripts recorded of a call."""
        return self._find(f"{call.id}*", re.compile(rf"(?P<call>{re.escape(call.id)})(-[0-9]+)?"))

    def _take_in_unfinished(self, call: Call, takes: list[_Found]) -> None:
        if call.answered:
            return  # perhaps by an agent who got the call meanwhile, and needs no message
        for found in takes:
            self._take_in(found)
            self._end(found)

    def _find(self, pattern: str, names: re.Pattern[str] = _NAME) -> list[_Found]:
        oldest = self._switchboard.clock() - AWAY_KEPT
        found = []
        for path in sorted((self._directory / FOLDER).glob(f"{pattern}{ENDING}")):
            named = names.fullmatch(path.stem)
            if named is None or not is_name(path.stem):
                continue
            try:
                stat = path.lstat()
            except OSError as error:
                log.error("a message can't be read", call=named["call"], reason=error.strerror)
                continue
            if not S_ISREG(stat.st_mode):
                # Asterisk's user may be somebody else than ours, and put a link to a file of ours there.
                log.error("a message is no file", call=named["call"])
            elif stat.st_mtime >= oldest:
                seconds = max(0.0, (stat.st_size - _HEADER) / _BYTES_PER_SECOND)
                said = {"number": "", "caller": "", **named.groupdict()}
                found.append(_Found(path.stem, said["call"], said["number"], said["caller"], stat.st_mtime, seconds))
        return found

    def _take_in(self, found: _Found) -> None:
        """Tell of a message once. What is told in the end, MessageLeft, is what counts; all before it may be told twice."""
        if found.name in self._told:
            return
        if found.seconds < SHORTEST:
            self._box.discard(found.name)
            return
        call = self._call(found)
        queue = call.queue or call.left_queue or self._queue(call)
        self._leave_line(call, found.ended)
        self._switchboard.record(
            e.ItemOpened(
                at=found.ended, call=call.id, queue=queue, item=MESSAGE, number=call.caller_number, reason=REASON
            )
        )
        self._told.add(found.name)
        self._switchboard.record(
            e.MessageLeft(
                at=found.ended,
                call=call.id,
                queue=queue,
                file=self._box.keep(found.name),
                seconds=round(found.seconds, 1),
                number=call.caller_number,
                caller_name=call.caller_name,
            )
        )

    def _call(self, found: _Found) -> Call:
        """Return the call; one that came while the daemon was away is told of first."""
        calls = self._switchboard.calls.here
        if found.call not in calls:
            number = next((one for one in self._site().numbers if one.removeprefix("+") == found.number), found.number)
            self._switchboard.record(
                e.CallArrived(
                    at=found.ended - found.seconds,
                    call=found.call,
                    channel="",
                    number=number,
                    caller_number=found.caller,
                    caller_name="",
                    source="",
                )
            )
        return calls[found.call]

    def _leave_line(self, call: Call, at: float) -> None:
        if call.queue is not None:
            waited = max(0.0, at - (at if call.entered is None else call.entered))
            left = e.CallLeftLine(
                at=at, call=call.id, queue=call.queue, outcome=Outcome.MESSAGE, waited=waited, reason=REASON
            )
            self._switchboard.record(left)

    def _end(self, found: _Found) -> None:
        call = self._switchboard.calls.here.get(found.call)
        if call is not None and found.name in self._told:
            self._switchboard.end_call(call, REASON, outcome=Outcome.MESSAGE)

    def _queue(self, call: Call) -> str:
        """Return the queue of a message whose caller was in none: where the call was sent, its number leads, or the operator's."""
        site = self._site()
        table = site.numbers.get(call.number)
        places = (call.sent_to or "", table.enters if table is not None else "", site.company.operator)
        kinds = ("queue", "message")
        return next((which for kind, _, which in (one.partition(":") for one in places) if kind in kinds), "")
