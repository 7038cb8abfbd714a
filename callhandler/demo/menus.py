"""Where keys lead, as the site file says: what lets the SIP side name a queue for a caller whom no phone was rung for. Pure."""

from collections.abc import Sequence

from callhandler.site.models import Site


def queue_reached(site: Site, dialled: str, keys: Sequence[str]) -> str | None:
    """The queue that these keys lead to from a number, None when they end in a menu. Keys of no meaning lead nowhere new."""
    number = site.numbers.get(dialled)
    place = number.enters if number is not None else ""
    for key in keys:
        kind, _, id_ = place.partition(":")
        if kind != "menu":
            break
        menu = site.menus[id_]
        choice = menu.keys.get(key)
        if choice is not None:
            place = choice if isinstance(choice, str) else choice.to
        elif key == "0" and menu.operator_key:
            place = "operator"
        place = site.company.operator if place == "operator" else place
    kind, _, id_ = place.partition(":")
    return id_ if kind == "queue" else None
