"""The whole daemon on a fake Asterisk, as for the tests of the edges."""

from tests.edge.conftest import asterisk, site

__all__ = ["asterisk", "site"]
