"""docs/cli.md is true: it names every command and every option there is."""

from pathlib import Path

from callhandler.cli.reference import markdown

DOCS = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_reference_is_current() -> None:
    assert DOCS.read_text() == markdown(), "python -m callhandler.cli.reference > docs/cli.md"
