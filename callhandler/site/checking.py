"""What can't be right in a site as a whole: names that lead nowhere, values that contradict one another.

Sees a site whose single values are good; says nothing of what is merely unwise (that is `lint.py`).
"""

import zoneinfo
from collections.abc import Callable, Iterator, Mapping

from callhandler.core.skills import SkillSyntaxError, parse
from callhandler.errors import Refused
from callhandler.site.calendars import calendar_problem
from callhandler.site.findings import Problem, shown
from callhandler.site.mistakes import did_you_mean
from callhandler.site.models import Choice, Hours, QueueTable, Site
from callhandler.site.positions import KeyPath, written
from callhandler.site.references import destinations, references

Declared = Mapping[str, frozenset[str]]
"""The names that each section of the file defines, and under "tables" the sections, also those with mistakes of their own."""
_NO_CALLBACK = ("company", "queues")
"""Sections whose destinations can't be a callback."""


def problems(site: Site, declared: Declared) -> list[Problem]:
    """Return everything that can't be right."""
    missing = [problem for section, problem in _without_table(site) if section not in declared["tables"]]
    return [*_dangling(site, declared), *missing, *(problem for check in _CHECKS for problem in check(site))]


def _dangling(site: Site, declared: Declared) -> Iterator[Problem]:
    for path, section, name in references(site):
        if name not in declared[section]:
            where = "company.languages" if section == "languages" else section
            yield Problem(path, f"`{name}` is not defined in {where}", did_you_mean(name, declared[section]))


def _without_table(site: Site) -> Iterator[tuple[str, Problem]]:
    """What needs a table that the site doesn't have, with the table's name: one with a mistake of its own isn't here, but in the file."""
    if site.tls is None:
        wanted: list[KeyPath] = [
            ("phones", name, "encrypted") for name, phone in site.phones.items() if phone.encrypted
        ]
        wanted += [("trunks", name, "encrypted") for name, trunk in site.trunks.items() if trunk.encrypted]
        right = "add `[tls]`, and run `callhandler certs`"
        yield from (("tls", Problem(path, "can't be: there is no table [tls]", right)) for path in wanted)
    if site.mail is None:
        wanted = [("queues", name, "mail") for name, queue in site.queues.items() if queue.mail is not None]
        right = "add [mail], or leave it out"
        yield from (("mail", Problem(path, "is never used, as there is no [mail]", right)) for path in wanted)
    if site.callbacks is None:
        right = "add [callbacks] with a trunk, which calls out go over"
        for path, destination in destinations(site):
            kind = destination.partition(":")[0]
            if kind == "outside":
                yield "callbacks", Problem(path, "nothing says how to call out", right)
            if kind == "callback" and path[0] not in _NO_CALLBACK:
                yield "callbacks", Problem(path, "nothing says how to call back", right)


def _company(site: Site) -> Iterator[Problem]:
    company = site.company
    if company.operator in ("operator", "hangup"):
        yield Problem(
            ("company", "operator"),
            f"`{company.operator}` doesn't say who is reached",
            "name a queue, a phone or an agent, such as `queue:operator`",
        )
    try:
        zoneinfo.ZoneInfo(company.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        right = did_you_mean(company.time_zone, zoneinfo.available_timezones())
        right = (
            right if right.startswith("did") else "what is right: an IANA time zone such as `Europe/Berlin` or `UTC`"
        )
        yield Problem(("company", "time_zone"), f"{shown(company.time_zone)} is no time zone", right)
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - 50 ms that only checking needs

    if company.country not in SUPPORTED_REGIONS:
        yield Problem(
            ("company", "country"),
            f"`{company.country}` is no country",
            "what is right: an ISO country code such as `DE`",
        )


def _asterisk(site: Site) -> Iterator[Problem]:
    asterisk = site.asterisk
    if asterisk.rtp_last <= asterisk.rtp_first:
        yield Problem(
            ("asterisk", "rtp_last"),
            f"{asterisk.rtp_last} is not above rtp_first ({asterisk.rtp_first})",
            "give a range of at least two ports for each call",
        )
    elif asterisk.rtp_first <= asterisk.sip_port <= asterisk.rtp_last:
        yield Problem(
            ("asterisk", "sip_port"),
            f"{asterisk.sip_port} lies within the audio ports {asterisk.rtp_first} to {asterisk.rtp_last}",
            "take a port outside of them",
        )
    services: list[tuple[KeyPath, int]] = [
        (("asterisk", "sip_port"), asterisk.sip_port),
        (("asterisk", "ami_port"), asterisk.ami_port),
        (("asterisk", "agi_port"), asterisk.agi_port),
        *([(("tls", "port"), site.tls.port)] if site.tls else []),
    ]
    taken: dict[int, str] = {}
    for path, port in services:
        if port in taken:
            yield Problem(path, f"{port} is {taken[port]} too", "give every service a port of its own")
        taken.setdefault(port, str(path[1]) if path[0] == "asterisk" else written(path))


def _speech(site: Site) -> Iterator[Problem]:
    if not any("{file}" in argument for argument in site.speech.command):
        yield Problem(
            ("speech", "command"),
            "no argument names the file to write",
            "add the option that names it, with {file} as its value",
        )
    if site.mqtt and site.mqtt.password is not None and site.mqtt.user is None:
        yield Problem(("mqtt", "password"), "there is a password but no user", "add `user = ...`")


def _callbacks(site: Site) -> Iterator[Problem]:
    callbacks = site.callbacks
    if callbacks is None:
        return
    trunk = site.trunks.get(callbacks.trunk)
    if trunk is not None and "/" in trunk.host:
        yield Problem(
            ("callbacks", "trunk"),
            f"the trunk `{callbacks.trunk}` is a whole network ({trunk.host}): nobody can be called over it",
            "name a trunk whose host is one address",
        )
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - 50 ms that only checking needs

    for index, country in enumerate(callbacks.countries):
        if country not in SUPPORTED_REGIONS:
            yield Problem(
                ("callbacks", "countries", index),
                f"`{country}` is no country",
                "what is right: ISO country codes such as `DE`",
            )


def _extensions(site: Site) -> Iterator[Problem]:
    """Phones, agents, numbers and feature codes share what can be dialled on a handset."""
    taken: dict[str, KeyPath] = {}
    codes = (("login", site.codes.login), ("logout", site.codes.logout), ("pause", site.codes.pause))
    dialled: list[tuple[str, KeyPath]] = [
        *((name, ("phones", name)) for name in site.phones),
        *((name, ("agents", name)) for name in site.agents),
        *((name.removeprefix("+"), ("numbers", name)) for name in site.numbers),
        *((code, ("codes", name)) for name, code in (*codes, ("resume", site.codes.resume))),
    ]
    for what, path in dialled:
        if what in taken:
            yield Problem(
                path,
                f"`{what}` is {written(taken[what])} too",
                "give everything that can be dialled a number of its own",
            )
        taken.setdefault(what, path)


def _agents(site: Site) -> Iterator[Problem]:
    seats: dict[str, str] = {}
    for name, agent in site.agents.items():
        if agent.phone is not None and agent.phone in seats:
            yield Problem(
                ("agents", name, "phone"),
                f"phone {agent.phone} is the own phone of agent {seats[agent.phone]} too",
                "give each agent another one, or none",
            )
        seats.setdefault(agent.phone or "", name)
        served = [row.queue for row in agent.serves]
        for index, queue in enumerate(served):
            if queue in served[:index]:
                path = ("agents", name, "serves", index, "queue")
                yield Problem(path, f"`{queue}` is served already by an entry above", "keep one of the two")


def _queues(site: Site) -> Iterator[Problem]:
    for name, queue in site.queues.items():
        for index, step in enumerate(queue.steps):
            yield from _skills(step.wants, ("queues", name, "steps", index, "wants"))
        yield from _steps(name, queue)


def _steps(name: str, queue: QueueTable) -> Iterator[Problem]:
    path = ("queues", name, "steps")
    last = len(queue.steps) - 1
    if queue.steps[last].seconds is not None:
        yield Problem(
            (*path, last, "for"),
            "the last step has `for`, but no step comes after it",
            "leave `for` out, or add the step that follows",
        )
    for index, step in enumerate(queue.steps[:-1]):
        if step.seconds is None:
            yield Problem(
                (*path, index), "has no `for`, so the steps after it are never reached", "add `for = SECONDS`"
            )


def _skills(text: str, path: KeyPath) -> Iterator[Problem]:
    try:
        parse(text)
    except SkillSyntaxError as error:
        caret = "\n".join(str(error).splitlines()[1:]) if text.isprintable() else shown(text)
        yield Problem(
            path,
            error.problem,
            "what is right: an expression such as `billing >= 3 and (spanish or italian >= 2)`",
            caret,
        )


def _messages(site: Site) -> Iterator[Problem]:
    for path, destination in destinations(site):
        kind, _, name = destination.partition(":")
        if kind == "message" and name in site.queues and not site.queues[name].messages:
            yield Problem(path, f"queue `{name}` takes no messages", f"leave out `messages = false` of queues.{name}")


def _called_back(site: Site) -> Iterator[Problem]:
    for path, destination in destinations(site):
        kind, _, name = destination.partition(":")
        if kind != "callback":
            continue
        if path[0] in _NO_CALLBACK:
            yield Problem(
                path, "can't lead to a callback", "queues offer callbacks by themselves, as key 1; name something else"
            )
        elif name in site.queues and not site.queues[name].callback:
            yield Problem(path, f"queue `{name}` calls nobody back", f"leave out `callback = false` of queues.{name}")


def _outside(site: Site) -> Iterator[Problem]:
    """Numbers outside are dialled over the trunk of [callbacks], under its rules: a site file can't be talked into more than those."""
    for path, destination in destinations(site):
        kind, _, number = destination.partition(":")
        if kind != "outside" or site.callbacks is None:
            continue
        trunk = site.trunks.get(site.callbacks.trunk)
        if trunk is not None and "/" in trunk.host:
            yield Problem(path, "the trunk of [callbacks] is a whole network", "give it the provider's one address")
        else:
            from callhandler.numbers import SiteNumbers  # noqa: PLC0415 - 50 ms that only checking needs

            try:
                SiteNumbers(site).judged(number)
            except Refused as refused:
                yield Problem(path, str(refused), "name one that [callbacks] allows, such as in its `countries`")


def _menus(site: Site) -> Iterator[Problem]:
    for name, menu in site.menus.items():
        for key, action in menu.keys.items():
            if isinstance(action, Choice) and action.wants is not None:
                yield from _skills(action.wants, ("menus", name, "keys", key, "wants"))


def _numbers(site: Site) -> Iterator[Problem]:
    for name, number in site.numbers.items():
        if number.hours is not None and number.closed is None:
            yield Problem(
                ("numbers", name, "closed"),
                "is missing, but there are hours",
                "say where calls go when closed, such as `say:closed`",
            )


def _hours(site: Site) -> Iterator[Problem]:
    for name, hours in site.hours.items():
        for path, text in _ranges(("hours", name), hours):
            first, last = text.split("-")
            if first >= last:
                yield Problem(
                    path, f"`{text}` ends before it begins", "write a range over midnight as two, the first up to 24:00"
                )
        days = [special.day for special in hours.special]
        for index, day in enumerate(days):
            if day in days[:index]:
                yield Problem(("hours", name, "special", index, "day"), f"{day} is here twice", "keep one of the two")
        if hours.holidays is not None and (wrong := calendar_problem(hours.holidays)) is not None:
            yield Problem(("hours", name, "holidays"), *wrong)


def _ranges(path: KeyPath, hours: Hours) -> Iterator[tuple[KeyPath, str]]:
    for day, ranges in hours.weekly.items():
        yield from (((*path, "weekly", day.value, index), text) for index, text in enumerate(ranges))
    for number, special in enumerate(hours.special):
        yield from (((*path, "special", number, "open", index), text) for index, text in enumerate(special.open))


def _prompts(site: Site) -> Iterator[Problem]:
    default = site.default_language
    for name, prompt in site.prompts.items():
        if prompt.text is None and prompt.file is None:
            yield Problem(("prompts", name), "has neither a text nor a file", "add `text = ...` or `file = ...`")
        if prompt.file is not None and (prompt.text is not None or prompt.texts):
            yield Problem(("prompts", name, "file"), "is there beside a text", "keep either the recording or the text")
        if default in prompt.texts and prompt.text is not None:
            yield Problem(("prompts", name, "texts", default), "is what `text` says already", "keep one of the two")


_CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (
    _company,
    _asterisk,
    _speech,
    _callbacks,
    _extensions,
    _agents,
    _queues,
    _messages,
    _called_back,
    _outside,
    _menus,
    _numbers,
    _hours,
    _prompts,
)
