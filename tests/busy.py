"""Believe a live test that failed if the machine let it run; else run it again, with everything made anew.

Phones, Asterisk and the daemon are processes of their own that hear, decide and speak many times a second. On a machine whose processors
are taken they do so late, and then a caller hears gaps and waits too long: true, and said of the machine, not of callhandler. How long
processes had to wait is what the kernel counts, so a failure on a machine that has time is a failure at once.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

LONGEST = 250.0
"""Seconds that a test may have taken to be run again: both together stay under the limit at which a test counts as hanging."""
SHARE = 0.05
"""The share of the time that a thread which only wakes and sleeps may be kept waiting: with a processor for everybody it is under a
hundredth. One delay alone is no excuse, however long: what a test allows for is longer."""
_BEAT = 0.02
_AGAIN = "again on a busy machine"


class Machine:
    """How long a thread that does next to nothing had to wait for a processor since `began`, in seconds."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.waited = self.worst = 0.0
        self._over = threading.Event()

    def busy(self) -> str:
        """What shows that others had the processors, for people; empty when they were to be had."""
        share = self.waited / max(_BEAT, time.monotonic() - self.began)
        if share < SHARE:
            return ""
        return f"a thread that only wakes and sleeps waited for a processor for {share:.0%} of the time, {self.worst:.2f} s at most"

    def _watch(self) -> None:
        before = _waited_for()
        while not self._over.wait(_BEAT):
            now = _waited_for()
            self.waited += now - before
            self.worst = max(self.worst, now - before)
            before = now

    def __enter__(self) -> "Machine":
        self._thread = threading.Thread(target=self._watch, name="busy machine", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _waited_for() -> float:
    """Seconds for which this thread was ready to run and wasn't let (Linux, Documentation/scheduler/sched-stats); 0 where nobody counts."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a live test, and once more if it fails while the machine is busy."""
    if item.get_closest_marker("live") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    with Machine() as machine:
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failures = [one for one in reports if one.failed]
    if failures and time.monotonic() - machine.began < LONGEST and (why := machine.busy()):
        item.user_properties.append((_AGAIN, f"{item.nodeid}: {why}\n{failures[0].longreprtext[-2_000:]}"))
        with contextlib.suppress(Exception):  # what the failure left half done; the next try has new fixtures
            item.session._setupstate.teardown_exact(None)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were run again, and what they failed of."""
    told = dict.fromkeys(_told(terminalreporter))
    if told:
        terminalreporter.section("run again: the machine was busy")
        for text in told:
            terminalreporter.line(text)


def _told(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            yield from (str(text) for name, text in getattr(report, "user_properties", ()) if name == _AGAIN)
