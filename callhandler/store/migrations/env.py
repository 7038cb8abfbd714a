"""How Alembic runs here: on the connection that `store/migrate.py` hands over, in its transaction."""

from alembic import context
from sqlalchemy import Connection


def run() -> None:
    """Carry out the steps that are asked for."""
    connection = context.config.attributes["connection"]
    assert isinstance(connection, Connection)
    context.configure(
        connection=connection, render_as_batch=connection.dialect.name == "sqlite", transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()


run()
