"""Databases that can't be asked say why in one line, with what would be right."""

from pathlib import Path

import pytest

from callhandler.errors import Refused
from callhandler.store.queries import last_calls
from callhandler.store.sources import open_source
from callhandler.store.troubles import sentence


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:secret@h/x", "the database's driver MySQLdb isn't installed; name an SQLite file"),
        ("sqlite:///", "no such table: call"),
        ("nonsense", "Could not parse SQLAlchemy URL"),
    ],
)
def test_a_server_s_trouble_is_one_line(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(Refused) as refused, open_source(url, tmp_path) as source:
        last_calls(source, 1)
    assert str(refused.value).startswith(f"the journal can't be read: {says}")
    assert "\n" not in str(refused.value)


def test_a_driver_that_callhandler_knows_is_named_with_what_brings_it() -> None:
    said = sentence(ModuleNotFoundError("No module named 'psycopg'", name="psycopg"))
    assert said == "the database's driver psycopg isn't installed; install callhandler[postgresql]"
