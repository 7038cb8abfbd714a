"""What people are told while something takes long is printed as it is: it may hold words of a file or of another program."""

import io

import pytest
from rich.console import Console

from callhandler.asterisk.pbx.telling import RichTeller


@pytest.mark.parametrize(
    "sentence", ["[callbacks] is gone", "its last words: [/usr/lib] not found", "a\\[b]", "[red]x"]
)
def test_brackets_are_no_markup(sentence: str) -> None:
    written = io.StringIO()
    RichTeller(Console(file=written, width=100)).say(sentence)
    assert written.getvalue() == f"· {sentence}\n"
