"""The tables come from the migrations alone, from nothing and from every version that was ever released."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

import callhandler.store
from callhandler.core.model import Outcome
from callhandler.store import tables
from callhandler.store.journal import Journal
from callhandler.store.migrate import HEAD, NewerJournal, migrate
from callhandler.store.queries import facts_after, find_call

FIXTURES = {file.stem: file.read_text() for file in sorted((Path(__file__).parent / "fixtures").glob("journal-*.sql"))}
MIGRATIONS = Path(callhandler.store.__file__).parent / "migrations"


def test_the_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.connect() as connection:
        assert migrate(connection) is None
        assert migrate(connection) == HEAD
        assert tables.FactRow.metadata is SQLModel.metadata
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_head_is_the_last_step() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


@pytest.mark.parametrize("fixture", FIXTURES)
async def test_a_journal_of_every_version_goes_on(
    fixture: str, site: Path, open_journal: Callable[..., Journal]
) -> None:
    database = sqlite3.connect(site / "var/journal.db")
    database.executescript(FIXTURES[fixture])
    database.close()
    async with open_journal() as journal:
        found = await journal.ask(facts_after, 0)
        assert len(found) == 8
        assert all(stored.fact is not None for stored in found)
        record = await journal.ask(find_call, "pbx1-1795286814.0")
        assert (record.outcome, record.agent, record.talked, record.waited) == (Outcome.ANSWERED, "7001", 42.5, 3.25)
        assert await journal.rebuild() == 1
        assert await journal.ask(find_call, record.id) == record


async def test_a_journal_of_a_newer_version_is_refused_and_left_alone(
    site: Path, open_journal: Callable[..., Journal]
) -> None:
    async with open_journal():
        pass
    database = sqlite3.connect(site / "var/journal.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(NewerJournal, match="9999"):
        await open_journal().start()
    assert not (site / "var/journal.db.spool").exists()
