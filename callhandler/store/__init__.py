"""The journal: facts appended as they happen, and what is computed from them. Knows core and the database, no other edge.

Writing: `journal.Journal` (the daemon). Reading: `sources.open_source` and `queries` (the daemon and, light to import, the CLI).
"""
