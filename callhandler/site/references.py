"""Every name in a site file that stands for something defined elsewhere in it. Knows nothing of right and wrong."""

from collections.abc import Iterator
from typing import NamedTuple

from callhandler.site.models import Choice, QueueTable, Site
from callhandler.site.positions import KeyPath

SECTIONS = {
    "queue": "queues",
    "menu": "menus",
    "agent": "agents",
    "phone": "phones",
    "say": "prompts",
    "message": "queues",
    "callback": "queues",
}
"""The section that each kind of destination points into."""


class Reference(NamedTuple):
    """A name at a path that must be defined in a section. The section "languages" is company.languages."""

    path: KeyPath
    section: str
    name: str


def references(site: Site) -> Iterator[Reference]:
    """Yield every reference in the site, destinations and others."""
    for path, destination in destinations(site):
        kind, colon, name = destination.partition(":")
        if colon and kind in SECTIONS:
            yield Reference(path, SECTIONS[kind], name)
    yield from _of_people(site)
    yield from _of_conversation(site)
    yield from _of_callbacks(site)


def destinations(site: Site) -> Iterator[tuple[KeyPath, str]]:
    """Yield every destination in the site with where it stands."""
    yield ("company", "operator"), site.company.operator
    for name, queue in site.queues.items():
        yield ("queues", name, "fallback"), queue.fallback
        for field, destination in treatments(queue):
            yield ("queues", name, field), destination
    for name, menu in site.menus.items():
        for key, action in menu.keys.items():
            path: KeyPath = ("menus", name, "keys", key)
            yield ((*path, "to"), action.to) if isinstance(action, Choice) else (path, action)
        yield ("menus", name, "fallback"), menu.fallback
    for name, number in site.numbers.items():
        yield ("numbers", name, "enters"), number.enters
        if number.closed:
            yield ("numbers", name, "closed"), number.closed


def treatments(queue: QueueTable) -> Iterator[tuple[str, str]]:
    """Yield where a queue has callers go instead of to its fallback, by the names of the fields."""
    own = {
        "on_nobody": queue.on_nobody,
        "on_timeout": queue.on_timeout,
        "on_full": queue.on_full,
        "on_closing": queue.on_closing,
    }
    yield from ((field, destination) for field, destination in own.items() if destination is not None)


def _of_people(site: Site) -> Iterator[Reference]:
    for name, agent in site.agents.items():
        if agent.phone is not None:
            yield Reference(("agents", name, "phone"), "phones", agent.phone)
        for index, row in enumerate(agent.serves):
            yield Reference(("agents", name, "serves", index, "queue"), "queues", row.queue)
    for index, phone in enumerate(site.waiting.away_phones):
        yield Reference(("waiting", "away_phones", index), "phones", phone)
    for name, queue in site.queues.items():
        if queue.greeting is not None:
            yield Reference(("queues", name, "greeting"), "prompts", queue.greeting)


def _of_conversation(site: Site) -> Iterator[Reference]:
    for name, menu in site.menus.items():
        for field, prompt in (("prompt", menu.prompt), ("invalid", menu.invalid), ("silent", menu.silent)):
            if prompt is not None:
                yield Reference(("menus", name, field), "prompts", prompt)
        for key, action in menu.keys.items():
            if isinstance(action, Choice) and action.language is not None:
                yield Reference(("menus", name, "keys", key, "language"), "languages", action.language)
    for name, number in site.numbers.items():
        if number.greeting is not None:
            yield Reference(("numbers", name, "greeting"), "prompts", number.greeting)
        if number.hours is not None:
            yield Reference(("numbers", name, "hours"), "hours", number.hours)
        for index, trunk in enumerate(number.trunks or []):
            yield Reference(("numbers", name, "trunks", index), "trunks", trunk)
    for name, prompt_table in site.prompts.items():
        for language in prompt_table.texts:
            yield Reference(("prompts", name, "texts", language), "languages", language)


def _of_callbacks(site: Site) -> Iterator[Reference]:
    if site.callbacks is None:
        return
    yield Reference(("callbacks", "trunk"), "trunks", site.callbacks.trunk)
    if site.callbacks.hours is not None:
        yield Reference(("callbacks", "hours"), "hours", site.callbacks.hours)
    if site.callbacks.message is not None:
        yield Reference(("callbacks", "message"), "prompts", site.callbacks.message)
