"""Facts as plain JSON values and back. Apart from plain.py because the facts alone take a twentieth of a second to import."""

from typing import cast

from callhandler.core.events import FACTS, Fact
from callhandler.core.plain import Plain, from_plain, to_plain


def fact_to_plain(fact: Fact) -> dict[str, Plain]:
    """Return a fact with its `kind` (its class name) and `version` before its own fields."""
    own = cast("dict[str, Plain]", to_plain(fact))
    # AlarmRaised has a field named `kind` of its own: it goes under `alarm`, so that `kind` always names the fact.
    if "kind" in own:
        own["alarm"] = own.pop("kind")
    return {"kind": type(fact).__name__, "version": fact.version, **own}


def fact_from_plain(plain: Plain) -> Fact:
    """Return the fact that `fact_to_plain` was given; ValueError when it is none of this version's."""
    if not isinstance(plain, dict) or (kind := FACTS.get(str(plain.get("kind")))) is None:
        raise ValueError("not a fact that this version knows")
    own = {name: value for name, value in plain.items() if name not in {"kind", "version", "alarm"}}
    if "alarm" in plain:
        own["kind"] = plain["alarm"]
    return from_plain(kind, own)
