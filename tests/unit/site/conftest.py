"""Sites for the tests of the site file: the example with something changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from callhandler.site.loading import LoadedSite, load
from callhandler.site.new import example

Change = tuple[str, str]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """Write the example site with every change (old text, new text) made once; each old text must be there."""

    def write(*changes: Change) -> Path:
        text = example(31_000, "Example Company", "Europe/Berlin")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "callhandler.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def loaded(changed: Callable[..., Path]) -> Callable[..., LoadedSite]:
    """Write and load the example site with changes."""

    def write_and_load(*changes: Change) -> LoadedSite:
        return load(changed(*changes))

    return write_and_load
