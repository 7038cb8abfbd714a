"""The unique ids of the channels that are rung for a call: each tells of which call it is, also to a daemon that didn't ring it."""

_MARK = "-o"


def offer_leg(call: str, number: int) -> str:
    """Return the unique id of the channel of a call's offer; `number` counts its offers from 1."""
    return f"{call}{_MARK}{number}"


def offer_of(leg: str) -> tuple[str, int] | None:
    """Return the call that a channel is rung for and which of its offers it is, by its unique id; None for other channels."""
    call, mark, number = leg.rpartition(_MARK)
    return (call, int(number)) if mark and number.isascii() and number.isdigit() else None
