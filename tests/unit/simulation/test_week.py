"""A simulated Monday of the benchmark's centre, with callbacks: every promise is kept or known to be broken, and nobody is lost."""

from pathlib import Path

import pytest

from bench.simulated.figures import Figures
from bench.week import run, site_file
from callhandler.site.loading import load


@pytest.fixture(scope="module")
def monday(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    path: Path = tmp_path_factory.mktemp("week") / "callhandler.toml"
    path.write_text(site_file(True), encoding="utf-8")
    return run(load(path).site, seed=3, days=1, knowing=True)


def test_nobody_waits_in_silence(monday: Figures) -> None:
    assert 60.0 < monday.silence < 90.0
    assert monday.breaches == 0


def test_everybody_who_is_to_be_called_back_is(monday: Figures) -> None:
    assert monday.asked > 40
    assert monday.asked == sum(monday.results.values())
    assert monday.results["done"] > 0.95 * monday.asked
    assert monday.made == monday.kept + monday.broken > 5


def test_who_called_talked_or_gave_up_or_was_called_back(monday: Figures) -> None:
    assert monday.callers == len(monday.live) + monday.abandoned + monday.asked
