"""The kinds of facts as a table for docs/journal.md: `python -m callhandler.store.contract` writes it there."""

import sys
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import get_args, get_type_hints

from callhandler.core.events import COLUMNS, FACTS, Fact

BEGIN, END = "<!-- kinds: made by python -m callhandler.store.contract -->", "<!-- end of kinds -->"


def kinds_table() -> str:
    """Return a Markdown table of all kinds, in the order of core/events.py."""
    rows = [_row(kind) for kind in FACTS.values()]
    return "\n".join(["| kind | version | columns | in `details` | what it says |", "|---|---|---|---|---|", *rows])


def with_kinds(text: str) -> str:
    """Return a document with the table between its two marks made again.

    Raises:
        ValueError: when a mark is missing.
    """
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the document needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{kinds_table()}\n{END}{after}"


def _row(kind: type[Fact]) -> str:
    hints = get_type_hints(kind)
    own = [field for field in fields(kind) if field.name != "at"]
    columns = ", ".join(f"`{field.name}`" for field in own if field.name in COLUMNS)
    details = ", ".join(_field(field.name, hints[field.name]) for field in own if field.name not in COLUMNS)
    says = " ".join((kind.__doc__ or "").split()).replace("|", "\\|")
    return f"| {kind.__name__} | {kind.version} | {columns} | {details} | {says} |"


def _field(name: str, hint: object) -> str:
    parts = get_args(hint) or (hint,)
    names = ["text" if issubclass(part, str | Enum) else "null" if part is type(None) else "number" for part in parts]
    return f"`{name}` {' or '.join(names)}"


def main(file: Path) -> None:
    """Make the table in a document again."""
    file.write_text(with_kinds(file.read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/journal.md"))
