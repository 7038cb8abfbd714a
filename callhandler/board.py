"""What the parts of the switchboard that have files of their own may use of it (beside.py, calling_back.py, calling_back_customers.py)."""

from collections.abc import Callable
from typing import Protocol

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.calls import Calls
from callhandler.core.following import Follows
from callhandler.core.line import Line


class Board(Protocol):
    """The switchboard, as far as its parts need it."""

    line: Line
    calls: Calls
    link: o.LinkUp | None
    clock: Callable[[], float]

    def record(self, fact: e.Fact) -> None:
        """Keep a fact and do what follows from it."""

    def take(self, follows: Follows) -> None:
        """Record facts and carry out orders."""
