"""A folder that looks like a site, and a journal in it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from callhandler.store.journal import Journal

URL = "sqlite:///var/journal.db"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir()
    return tmp_path


@pytest.fixture
def open_journal(site: Path) -> Callable[..., Journal]:
    """Make a journal that gathers and retries quickly; not started yet."""

    def make(**settings: object) -> Journal:
        return Journal(URL, "pbx1", site, **{"settle": 0.001, "retry": 0.02, **settings})  # type: ignore[arg-type]  # any setting

    return make


@pytest.fixture
async def journal(open_journal: Callable[..., Journal]) -> AsyncIterator[Journal]:
    async with open_journal() as opened:
        yield opened
