"""A live test that fails is run again only if the machine was busy meanwhile, with its fixtures made anew; what fails always fails."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.busy import Machine

CONFTEST = """
import pytest
from tests import busy
from tests.busy import pytest_runtest_protocol, pytest_terminal_summary

busy.Machine.busy = lambda self: {busy!r}

def pytest_configure(config):
    config.addinivalue_line("markers", "live: for real")

made = []

@pytest.fixture(scope="module")
def site():
    made.append(len(made))
    yield made[-1]
"""
TESTS = """
import pytest
pytestmark = pytest.mark.live

def test_first(site):
    assert site == 0

def test_second_site_is_good(site):
    assert site == {good}, f"site {{site}} was bad"

def test_third(site):
    assert site == {good}
"""


def run(folder: Path, busy: str, good: int) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST.format(busy=busy))
    (folder / "test_it.py").write_text(TESTS.format(good=good))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("busy", "good", "status", "says"),
    [
        ("others were", 1, 0, "3 passed"),
        ("", 1, 1, "2 failed, 1 passed"),
        ("others were", 9, 1, "2 failed, 1 passed"),
    ],
)
def test_a_failure_counts_when_the_machine_had_time(
    tmp_path: Path, busy: str, good: int, status: int, says: str
) -> None:
    ended, told = run(tmp_path, busy, good)
    assert ended == status, told
    assert says in told
    assert ("test_second_site_is_good: others were" in told) == bool(busy), "a repetition is told"
    assert "site 0 was bad" in told, "with what it had failed of"


def test_a_machine_with_time_is_not_busy() -> None:
    machine = Machine()
    machine.waited, machine.worst, machine.began = 0.2, 0.1, machine.began - 60
    assert machine.busy() == ""
    machine.worst = 0.5
    assert machine.busy() == "", "one delay alone is no excuse"
    machine.waited = 6.0
    assert "10% of the time, 0.50 s at most" in machine.busy()


def test_it_leaves_no_thread() -> None:
    before = threading.active_count()
    with Machine() as machine:
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert machine.waited >= 0
