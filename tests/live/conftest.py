"""What live tests share: one site for all of them, made and started as a user does; each test brings its own phones."""

from collections.abc import Iterator

import pytest

from .lab import SiteUp, free_base, site_running

SECOND_LINE = """

# --- for the live tests: a line that sends callers on to another one, which says something first

[queues.first]
name = "First"
fallback = "queue:sales"
max_wait = 3
steps = [{ wants = "german", for = 60 }, { wants = "german" }]

[numbers.5009]
enters = "queue:first"
"""


@pytest.fixture(scope="session")
def site_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    """The site of all live tests."""
    with site_running(tmp_path_factory.mktemp("live") / "site", free_base(), SECOND_LINE) as site:
        yield site
