"""Standard output and error as they may come: closed, or to a terminal that can't show every letter. Knows no command."""

import io
import os
import sys
from pathlib import Path


def prepare() -> None:
    """Have everything printable: letters that the terminal's encoding lacks come as escapes, and to a closed stream goes nothing."""
    # Typer and Rich write to what sys has, which is None where the shell closed it (`>&-`).
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> io.TextIOWrapper:
    return Path(os.devnull).open("w", encoding="utf-8")
