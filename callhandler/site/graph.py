"""Where a caller can get to from where: the site's menus, queues and the rest as a graph of destinations. Judges nothing."""

from collections.abc import Callable, Iterable

from callhandler.site.models import Choice, Menu, Site
from callhandler.site.references import treatments

PEOPLE = ("queue", "agent", "phone")
"""The kinds of destination behind which there is a person."""


def kind(destination: str) -> str:
    """Return what a destination is: queue, menu, agent, phone, say, message, callback, outside, operator, directory, ..."""
    return destination.partition(":")[0]


def target(destination: str) -> str:
    """Return the id a destination names, or "" when it names none."""
    return destination.partition(":")[2]


def by_keys(site: Site, menu: Menu) -> list[str]:
    """Return where a menu's keys lead, key 0 with the operator behind it included."""
    leads = [action.to if isinstance(action, Choice) else action for action in menu.keys.values()]
    if menu.operator_key and "0" not in menu.keys:
        leads.append("operator")
    return [resolved(site, destination) for destination in leads]


def resolved(site: Site, destination: str) -> str:
    """Return what `operator` stands for, and every other destination as it is."""
    return site.company.operator if destination == "operator" else destination


def fallback(site: Site, destination: str) -> str | None:
    """Return where somebody goes from here who does nothing, or whom nobody can help: a menu's or a queue's fallback."""
    match kind(destination), target(destination):
        case "menu", name if name in site.menus:
            return resolved(site, site.menus[name].fallback)
        case "queue", name if name in site.queues:
            return resolved(site, site.queues[name].on_nobody or site.queues[name].fallback)
    return None


def keys_only(site: Site, destination: str) -> list[str]:
    """Return where a caller gets from here by pressing keys."""
    return by_keys(site, site.menus[target(destination)]) if kind(destination) == "menu" else []


def everywhere(site: Site, destination: str) -> list[str]:
    """Return where a caller gets from here by keys, or by doing nothing."""
    if kind(destination) == "callback":
        return [f"queue:{target(destination)}"]
    last = fallback(site, destination)
    queue = site.queues.get(target(destination)) if kind(destination) == "queue" else None
    others = [] if queue is None else [queue.fallback, *(to for _, to in treatments(queue))]
    return [*keys_only(site, destination), *([last] if last else []), *(resolved(site, to) for to in others)]


def reachable(site: Site, starts: Iterable[str], step: Callable[[Site, str], list[str]]) -> dict[str, int]:
    """Return every destination that can be reached from `starts` by `step`, with how many steps it takes (0 for a start)."""
    depth: dict[str, int] = {}
    level, border = 0, [resolved(site, start) for start in starts]
    while border:
        new = list(dict.fromkeys(destination for destination in border if destination not in depth))
        depth.update(dict.fromkeys(new, level))
        border = [further for destination in new for further in step(site, destination)]
        level += 1
    return depth


def entrances(site: Site) -> list[str]:
    """Return where calls come in: what the numbers enter, and where they lead when closed."""
    return [
        resolved(site, destination)
        for number in site.numbers.values()
        for destination in (number.enters, number.closed)
        if destination
    ]
