"""Looking at a running system from outside: what is there now, in both processes, in Asterisk, in the daemon's books, in the journal.

Must not know what is right.
"""

import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

from bench.soak.judging import Journal, Memory, Snapshot
from bench.soak.place import Running, patiently
from callhandler.core.model import Device, State
from callhandler.store.sources import Source

_KB = re.compile(r"^(Pss|Private_Dirty):\s+(\d+) kB", re.MULTILINE)
_KEPT = (".log", ".db", ".db-wal", ".db-shm", ".out", ".pid")
"""Files in var that are there all the time, and may come up at any time."""


def snapshot(at: Running) -> Snapshot:
    """Everything that is there now and must not be there when nobody calls."""
    status, agents = patiently(at.client.status), patiently(at.client.agents)
    queued = _numbers(_asked(at, "core show taskprocessors"))
    channels = [line for line in _asked(at, "core show channels concise").splitlines() if line.count("!") > 10]
    shells = [line for line in channels if line.startswith("Surrogate/")]
    return Snapshot(
        channels=len(channels) - len(shells),
        shells=len(shells),
        bridges=len(_lines(_asked(at, "bridge show all"))),
        taskprocessors=len(queued),
        taskprocessor_backlog=sum(queued),
        contacts=len(re.findall(r"^\s+Contact:", _asked(at, "pjsip show contacts"), re.MULTILINE)),
        asterisk_files=_files(at.asterisk),
        asterisk_threads=_threads(at.asterisk),
        daemon_files=_files(at.daemon),
        daemon_threads=_threads(at.daemon),
        daemon_tasks=status.tasks,
        agi_sessions=status.sessions,
        calls=status.counts.calls,
        waiting=status.counts.waiting,
        callbacks=status.counts.callbacks,
        agents_not_free=sum(agent.state is not State.IDLE or agent.device is not Device.FREE for agent in agents),
        journal_backlog=status.journal_backlog,
        files=frozenset(
            str(path.relative_to(at.loaded.directory))
            for path in (at.loaded.directory / "var").rglob("*")
            if path.is_file() and not path.name.endswith(_KEPT)
        ),
    )


def memory(at: Running, began: float) -> Memory:
    """The memory of both processes now, and what goes on in the meantime; `began` is on the monotonic clock."""
    status = patiently(at.client.status)
    daemon, asterisk = _private(at.daemon), _private(at.asterisk)
    return Memory(
        seconds=time.monotonic() - began,
        daemon_mb=daemon,
        asterisk_mb=asterisk,
        daemon_pss_mb=_pss(at.daemon),
        asterisk_pss_mb=_pss(at.asterisk),
        calls=status.counts.calls,
        waiting=status.counts.waiting,
        tasks=status.tasks,
        sessions=status.sessions,
        backlog=status.journal_backlog,
    )


def alive(at: Running) -> bool:
    """Tell whether both processes are the ones that were there at the beginning."""
    return patiently(at.client.status).pid == at.daemon and Path(f"/proc/{at.asterisk}").exists()


_UNFINISHED = {
    "calls without an end": "SELECT count(*) FROM call WHERE ended IS NULL",
    "calls with several ends": "SELECT count(*) FROM (SELECT call FROM fact WHERE kind = 'CallEnded' GROUP BY call HAVING count(*) > 1)",
    "ends without a beginning": "SELECT count(*) FROM fact AS f WHERE kind = 'CallEnded'"
    " AND NOT EXISTS (SELECT 1 FROM fact WHERE call = f.call AND kind = 'CallArrived')",
    "offers without an end": "SELECT count(*) FROM fact AS f WHERE kind = 'AgentOffered'"
    " AND NOT EXISTS (SELECT 1 FROM fact WHERE call = f.call AND leg = f.leg AND kind IN ('OfferEnded', 'TalkEnded'))",
    "holds without an end": "SELECT count(*) FROM fact AS f WHERE kind = 'CallHeld'"
    " AND NOT EXISTS (SELECT 1 FROM fact WHERE call = f.call AND seq > f.seq AND kind IN ('CallResumed', 'TalkEnded'))",
    "callbacks without exactly one end": "SELECT count(*) FROM (SELECT call FROM fact"
    " WHERE kind IN ('CallbackRequested', 'CallbackEnded') GROUP BY call"
    " HAVING sum(kind = 'CallbackRequested') <> 1 OR sum(kind = 'CallbackEnded') <> 1)",
    "attempts without an end": "SELECT count(*) FROM fact AS f WHERE kind = 'CallbackDialled'"
    " AND NOT EXISTS (SELECT 1 FROM fact WHERE call = f.call AND seq > f.seq AND kind IN ('CallbackAttemptEnded', 'CallbackEnded'))",
    "silences longer than promised": "SELECT count(*) FROM fact WHERE kind = 'CheckInBreached'",
    "gaps": "SELECT count(*) FROM fact WHERE kind = 'GapBegan'",
}


def journal(source: Source) -> Journal:
    """What the journal says of the whole soak."""
    kinds = source.ask(
        str,
        "SELECT kind FROM fact WHERE kind IN ('CheckedIn', 'CallHeld', 'CallRang', 'CallbackDialled', 'CallbackEnded')",
    )
    return Journal(
        facts=source.ask(int, "SELECT count(*) FROM fact")[0],
        unfinished={name: source.ask(int, sql)[0] for name, sql in _UNFINISHED.items()},
        alarms=Counter(source.ask(str, "SELECT json_extract(details, '$.kind') FROM fact WHERE kind = 'AlarmRaised'")),
        happened=Counter(kinds),
        callbacks=Counter(
            source.ask(str, "SELECT json_extract(details, '$.result') FROM fact WHERE kind = 'CallbackEnded'")
        ),
        ringing=max(
            source.ask(float, "SELECT json_extract(details, '$.rang') FROM fact WHERE kind = 'CallRang'"), default=0.0
        ),
    )


def complaints(log: Path, words: tuple[str, ...]) -> list[str]:
    """The lines of a log that hold one of some words."""
    if not log.exists():
        return []
    return [line for line in log.read_text("utf-8", "replace").splitlines() if any(word in line for word in words)]


def _asked(at: Running, question: str) -> str:
    done = subprocess.run([*at.console, question], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def _lines(text: str) -> list[str]:
    """The rows of a table with one line of heads."""
    return [line for line in text.splitlines()[1:] if line.strip()]


def _numbers(text: str) -> list[int]:
    """How much waits in each task processor: the second number behind its name."""
    rows = re.findall(r"^\S+\s+\d+\s+(\d+)\s+\d+\s+\d+\s+\d+.*$", text, re.MULTILINE)
    if not rows:
        raise RuntimeError(f"Asterisk doesn't say what waits in its task processors: {text[:200]}")
    return [int(row) for row in rows]


def _files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names that vanish while they are looked at


def _threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - as above


def _rollup(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(kilobytes) for name, kilobytes in _KB.findall(text)}


def _private(pid: int) -> float:
    """Megabytes that this process alone has written to.

    Not its USS: a program's own pages are in that only while nothing else on the machine runs the same program: 20 MB of Asterisk's.
    """
    return _rollup(pid)["Private_Dirty"] / 1_024


def _pss(pid: int) -> float:
    return _rollup(pid)["Pss"] / 1_024
