"""Alembic's steps from an empty database to the tables of `store/tables.py`; `store/migrate.py` runs them."""
