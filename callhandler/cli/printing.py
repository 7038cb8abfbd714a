"""How commands print: a table for people, JSON for machines. Knows no daemon."""

import json
import sys
from typing import TYPE_CHECKING

from callhandler.core.plain import to_plain

if TYPE_CHECKING:
    from rich.console import RenderableType


def out_json(value: object) -> None:
    """Print a view, a record or a list of them as JSON; plain ASCII, so that nothing in it can move a cursor."""
    sys.stdout.write(json.dumps(to_plain(value), indent=2) + "\n")


def out_line(value: object) -> None:
    """Print one JSON object on a line of its own, at once."""
    sys.stdout.write(json.dumps(to_plain(value), separators=(",", ":")) + "\n")
    sys.stdout.flush()


def out(*shown: "RenderableType") -> None:
    """Print tables or texts for people. A pipe gets lines as wide as they need to be."""
    from rich.console import Console  # noqa: PLC0415 - machines don't wait for it

    console = Console(highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else 200)
    for one in shown:
        console.print(one)
