"""One crowd of callers at one rate through one system, and what came of each of them: by SIPp's logs, the journal and /proc.

Must not know which rates are tried, nor how the systems compare.
"""

import itertools
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from bench.calling.hall import Side
from bench.common import PHONES, System, busy, cpu, percentile
from callhandler.asterisk.pbx.get import ensure_asterisk
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.telling import Silent
from callhandler.core.events import AgentOffered, CallEntered, CallKeptRinging, CallRang
from callhandler.store.queries import facts_where, last_calls, last_seq
from callhandler.store.sources import open_source

DRAIN = 100.0
"""Seconds after the last call in which all must be over; callers give up by themselves after 60."""
PATIENCE = 60.0
"""Seconds after dialling within which an agent's phone must ring, or the call has failed."""
INSTANT = 0.1
"""Seconds by which one of those who are let in together may come before another."""
CLEARED = 40.0
"""Seconds in which a system that failed may still end its channels, before another one is called."""
_NUMBERS = itertools.count(100)
Step = CallEntered | AgentOffered | CallKeptRinging | CallRang


@dataclass(frozen=True, slots=True)
class Crowd:
    """What came of one crowd. Times in milliseconds, rates in calls a second; `overtaken` is None where there is no journal.

    `wait` is from the caller's key to the agent's phone, `reached` from dialling to the agent's phone: ringing, menu and line together.
    `overtaken` counts those in line, `overtaken_ringing` those who were kept ringing before it, by more than `INSTANT`.
    """

    system: str
    rate: float
    calls: int
    failed: int
    asterisk_ms: float
    daemon_ms: float
    busy: float
    wait_p50: float
    wait_p99: float
    reached_p50: float
    reached_p99: float
    overtaken: int | None
    overtaken_ringing: int | None

    def row(self) -> dict[str, float | int | str]:
        """The figures as they are printed."""
        return {
            "calls": self.calls,
            "failed": self.failed,
            "Asterisk ms/call": self.asterisk_ms,
            "daemon ms/call": self.daemon_ms,
            "machine busy": self.busy,
            "wait p50 ms": self.wait_p50,
            "wait p99 ms": self.wait_p99,
            "reached p50 ms": self.reached_p50,
            "reached p99 ms": self.reached_p99,
            "overtaken": "-" if self.overtaken is None else self.overtaken,
            "overtaken ringing": "-" if self.overtaken_ringing is None else self.overtaken_ringing,
        }


class Contender:
    """A running system that can be called: `dialled` leads into what is measured."""

    def __init__(self, name: str, system: System, side: Side, dialled: str) -> None:
        self.name = name
        self._system, self._sipp, self._loaded, self._dialled = system, side.sipp, side.loaded, dialled

    def call(self, rate: float, calls: int) -> Crowd:
        """Let `calls` strangers dial at a rate, and wait until all is over."""
        name = f"49{next(_NUMBERS)}"  # such numbers are no phones of ours
        seq, before = self._last_seq(), self._spent()
        process = self._sipp.call(name, self._dialled, rate, calls)
        try:
            process.wait(calls / rate + DRAIN)
        except subprocess.TimeoutExpired:
            process.kill()
        self._settled()
        asterisk, daemon, used, there = (b - a for a, b in zip(before, self._spent(), strict=True))
        talked = {line.number for line in self._sipp.lines(PHONES) if line.event == "talked"}
        over = {line.number for line in self._sipp.lines(f"callers-{name}") if line.event == "over"}
        waits, reached = self._until_rung(name, "pressed"), self._until_rung(name, "dialled")
        patient = {number for number, seconds in reached.items() if seconds <= PATIENCE}
        good = over & talked & patient & self._answered(name, calls)
        if len(good) < calls:
            print(self._sipp.trouble(f"callers-{name}"), self._sipp.trouble(PHONES), sep="\n")
            self._cleared()
        return Crowd(
            self.name,
            rate,
            calls,
            calls - len(good),
            asterisk / calls * 1_000,
            daemon / calls * 1_000,
            used / there,
            percentile(list(waits.values()), 0.5) * 1_000,
            percentile(list(waits.values()), 0.99) * 1_000,
            percentile(list(reached.values()), 0.5) * 1_000,
            percentile(list(reached.values()), 0.99) * 1_000,
            *self._overtaken(seq),
        )

    def _spent(self) -> tuple[float, float, float, float]:
        system = self._system
        return cpu(system.asterisk), cpu(system.daemon) if system.daemon else 0.0, *busy()

    def _settled(self) -> None:
        """Wait until the last wrap-up is over and everything stands in the journal."""
        time.sleep(0.3)
        client = self._system.client
        while client is not None and client.status().journal_backlog:
            time.sleep(0.02)

    def _cleared(self) -> None:
        """Wait until Asterisk has no channel left: what failed here must not fall to the next one's account."""
        program = ensure_asterisk(self._loaded.site.asterisk.program, Silent())
        conf = layout(self._loaded.directory)["etc"] / "asterisk.conf"
        ask = [*program.argv, "-C", str(conf), "-rx", "core show channels count"]
        deadline = time.monotonic() + CLEARED
        while time.monotonic() < deadline:
            done = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=False)
            if "0 active channels" in done.stdout.splitlines():
                return
            time.sleep(1.0)

    def _answered(self, name: str, calls: int) -> set[str]:
        """Callers of the last `calls` who stand in the journal as answered; for the peers, everybody."""
        if self._system.client is None:
            return {line.number for line in self._sipp.lines(f"callers-{name}")}
        with open_source(self._loaded.site.daemon.database, self._loaded.directory) as journal:
            records = last_calls(journal, calls)
        return {one.caller_number for one in records if one.outcome == "answered"}

    def _until_rung(self, name: str, event: str) -> dict[str, float]:
        """Seconds from what each caller did to the agent's INVITE, as SIPp saw both; nobody presses a key for Dial()."""
        rang = {line.number: line.at for line in self._sipp.lines(PHONES) if line.event == "rang"}
        lines = [line for line in self._sipp.lines(f"callers-{name}") if line.event == event and line.number in rang]
        return {line.number: rang[line.number] - line.at for line in lines}

    def _last_seq(self) -> int:
        if self._system.client is None:
            return 0
        with open_source(self._loaded.site.daemon.database, self._loaded.directory) as journal:
            return last_seq(journal)

    def _overtaken(self, after: int) -> tuple[int | None, int | None]:
        """Callers who were overtaken in line, and before it, by the journal."""
        if self._system.client is None:
            return None, None
        with open_source(self._loaded.site.daemon.database, self._loaded.directory) as journal:
            clause = "WHERE kind IN ('CallEntered', 'AgentOffered', 'CallKeptRinging', 'CallRang') AND seq > :seq ORDER BY seq"
            found = (stored.fact for stored in facts_where(journal, clause, seq=after))
            facts = [fact for fact in found if isinstance(fact, Step)]
        return overtaken(facts, CallEntered, AgentOffered, 0.0), overtaken(facts, CallKeptRinging, CallRang, INSTANT)


def overtaken(facts: Sequence[Step], begin: type[Step], end: type[Step], by: float) -> int:
    """How many calls had the first `end` more than `by` seconds after that of a call whose first `begin` came later."""
    ends: dict[str, float] = {}
    for fact in facts:
        if isinstance(fact, end):
            ends.setdefault(fact.call, fact.at)
    place = dict.fromkeys(fact.call for fact in facts if isinstance(fact, begin))
    earliest, found = inf, 0
    for call in reversed(place):
        at = ends.get(call, inf)
        found += at - earliest > by
        earliest = min(earliest, at)
    return found
