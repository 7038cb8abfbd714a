"""What `up` shows of the desk phones is what people are to type into them."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from callhandler.cli.findings import tell_at_start
from callhandler.cli.up import Lasting, card, over_tls
from callhandler.site.loading import load
from callhandler.site.new import init
from callhandler.site.technical import Tls
from tests.ports import free_port


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


def test_tls_is_not_said_to_be_ready_where_nobody_gets_through(tmp_path: Path) -> None:
    loaded, place = init(tmp_path).loaded, Tls(port=free_port())
    assert over_tls(loaded, place).startswith("Over TLS nobody gets through: ")


@pytest.mark.parametrize("quiet", [False, True])
def test_a_start_tells_errors_and_counts_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    path = init(tmp_path).loaded.path
    tell_at_start(load(path), quiet)
    assert capsys.readouterr().err == "", "nothing, where nothing is found"
    text = path.read_text(encoding="utf-8") + '\n[prompts.idle]\ntext = "Never said."\n'
    path.write_text(text, encoding="utf-8")
    tell_at_start(load(path), quiet)
    assert ("It starts with 2 warnings in" in capsys.readouterr().err) is not quiet
    path.write_text(text.replace('wants = "billing >= 5"', 'wants = "bilings >= 5"'), encoding="utf-8")
    tell_at_start(load(path), quiet)
    said = capsys.readouterr().err
    assert "nobody has the skill `bilings`; did you mean `billing`?" in said
    assert "It starts with 1 error and 3 warnings in the site file: `callhandler check` shows all." in said
