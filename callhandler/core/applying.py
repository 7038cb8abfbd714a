"""What changes state by facts, looked up once for each kind of fact: `singledispatchmethod` looks it up, and binds it, at every call."""

from collections.abc import Callable
from functools import singledispatchmethod

from callhandler.core.events import FACTS, Fact

Appliers = dict[type[Fact], Callable[[Fact], None]]


def appliers(owner: object, method: str) -> Appliers:
    """Return what a `singledispatchmethod` of `owner` does with each kind of fact."""
    found = vars(type(owner))[method]
    assert isinstance(found, singledispatchmethod)
    return {kind: found.dispatcher.dispatch(kind).__get__(owner) for kind in FACTS.values()}
