"""`callhandler demo`: parse, run, print."""

import secrets
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from callhandler.cli.amounts import whole

_WIDE = 150
"""Columns where there is no terminal that says how many it has: both sides of a call in one line each."""


def demo(
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            parser=whole(0, 999_999_999),
            metavar="N",
            help="Makes the same callers again.",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the comparison here as JSON.", dir_okay=False)
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="Work here and keep it: an empty folder.", file_okay=False, show_default=False
        ),
    ] = None,
) -> None:
    """Watch it work: a site of its own with driven callers and agents, compared call by call with the journal."""
    from callhandler.demo.run import as_json, run  # noqa: PLC0415 - the lab's tools, which no other command needs

    if json_file is not None:
        _try(json_file)
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    signal.signal(signal.SIGTERM, _end)
    pairs = run(secrets.randbelow(10_000) if seed is None else seed, directory, console)
    if json_file is not None:
        json_file.write_text(as_json(pairs) + "\n", encoding="utf-8")
    differ = sum(not pair.agrees for pair in pairs)
    style = "bold red" if differ or not pairs else "bold green"
    console.print(f"{len(pairs) - differ} of {len(pairs)} calls agree.", style=style)
    if differ or not pairs:
        raise typer.Exit(1)


def _try(file: Path) -> None:
    """Raise OSError now, and not when all is over, where a file can't be written; leave everything as it was."""
    new = not file.exists()
    file.open("a").close()
    if new:
        file.unlink()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End as with Ctrl-C, so that nothing is left behind."""
    raise KeyboardInterrupt
