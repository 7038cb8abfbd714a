"""docs/journal.md says what is so."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from callhandler.core.events import FACTS
from callhandler.store.contract import kinds_table, with_kinds
from callhandler.store.journal import Journal
from callhandler.store.tables import CallRow, FactRow, SiteRow

DOCUMENT = (Path(__file__).parents[3] / "docs/journal.md").read_text()


def test_the_table_of_kinds_is_current() -> None:
    assert with_kinds(DOCUMENT) == DOCUMENT, "run: python -m callhandler.store.contract"
    assert all(f"| {name} |" in kinds_table() for name in FACTS)


def test_every_column_is_explained() -> None:
    for name in (*FactRow.model_fields, *CallRow.model_fields, *SiteRow.model_fields):
        if name not in {"digest", "text"}:
            assert f"`{name}`" in DOCUMENT


async def test_the_examples_run(site: Path, open_journal: Callable[..., Journal]) -> None:
    async with open_journal():
        pass
    [examples] = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
    database = sqlite3.connect(site / "var/journal.db")
    for example in examples.split(";"):
        database.execute(example)
    database.close()
