"""Brings a database to the tables this version knows, at every start; quick when there is nothing to do.

Alembic is imported only when a step is needed: it takes longer to load than the daemon takes to start.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from callhandler.errors import CallhandlerError

HEAD = "0001"


class NewerJournal(CallhandlerError):
    """The journal was written by a newer callhandler than this."""


def migrate(connection: Connection) -> str | None:
    """Carry out the steps that are missing, in the connection's transaction.

    Returns:
        The version the database had, None for an empty one.

    Raises:
        NewerJournal: when the database has a version this callhandler doesn't know.
    """
    had = version_of(connection)
    if had == HEAD:
        return had
    _upgrade(connection, had)
    return had


def version_of(connection: Connection) -> str | None:
    """Return the version of a database, None when it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if version is None else str(version)


def _upgrade(connection: Connection, had: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - see the file's docstring
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if had is not None and had not in known:
        raise NewerJournal(
            f"the journal has version {had}, made by a newer callhandler than this one, which knows up to {HEAD}: "
            "install that one again, or use another database"
        )
    command.upgrade(config, HEAD)
