"""What `up` shows of the desk phones is what people are to type into them."""

import io
import os
from pathlib import Path

from rich.console import Console

from callhandler.cli.up import Lasting, card
from callhandler.site.loading import load
from callhandler.site.new import init


def test_it_goes_on_when_nobody_reads_any_more() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as file:
        console = Lasting(file=file)
        for _ in range(3):
            console.print("to nobody")


def test_passwords_and_names_are_shown_as_they_are(tmp_path: Path) -> None:
    path = init(tmp_path).loaded.path
    added = '\n[phones.105]\nname = "[/red] lobby"\npassword = "ab[bold]cd:x:[/ef"\n'
    path.write_text(path.read_text(encoding="utf-8") + added, encoding="utf-8")
    written = io.StringIO()
    Console(file=written, width=100, emoji=False).print(card(load(path)))
    (row,) = [line for line in written.getvalue().splitlines() if "105" in line]
    assert [cell.strip() for cell in row.split("│") if cell.strip()] == ["105", "ab[bold]cd:x:[/ef", "[/red] lobby"]
