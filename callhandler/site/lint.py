"""What a usable site would do to its callers and agents that nobody can want. `check` prints it, and `reload` refuses a file with an error.

A start only tells: after a power cut the telephones must ring, even though a recording has gone meanwhile.

Each rule is a function that yields what it finds; lint_people.py looks at agents, skills and secrets, lint_tls.py at certificates,
lint_audio.py at what is heard.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from callhandler.site import graph, lint_audio, lint_people, lint_tls
from callhandler.site.findings import Finding, Problem, Severity, SiteMistakes, found
from callhandler.site.loading import LoadedSite, load
from callhandler.site.models import Site
from callhandler.site.positions import KeyPath, written
from callhandler.site.references import references

Rule = Callable[[LoadedSite], Iterator[Problem]]
_DEEPEST = 3
_WIDEST = 6
_TIME_TO_SPEAK = 20.0
"""Seconds that a check-in may take: position, estimate, three keys, with room for a slow machine."""


def lint(loaded: LoadedSite) -> list[Finding]:
    """Return everything found, in the order of the file."""
    findings = [
        found(severity, problem, loaded.places)
        for severity, rules in ((Severity.ERROR, _ERRORS), (Severity.WARNING, _WARNINGS))
        for rule in rules
        for problem in rule(loaded)
    ]
    return sorted(findings, key=lambda finding: (finding.line, finding.severity))


def load_checked(path: Path) -> tuple[LoadedSite, list[Finding]]:
    """Read a site file in which `check` finds no error; returns it with what would be wiser.

    Raises:
        SiteMistakes: a SiteError that lists every error, those of a file that could be used, too.
    """
    loaded = load(path)
    findings = lint(loaded)
    if errors := [finding for finding in findings if finding.severity is Severity.ERROR]:
        raise SiteMistakes(errors)
    return loaded, findings


def _menus_without_exit(loaded: LoadedSite) -> Iterator[Problem]:
    site = loaded.site
    for name in site.menus:
        around = graph.reachable(site, [f"menu:{name}"], graph.everywhere)
        if all(graph.kind(place) == "menu" for place in around):
            yield Problem(
                ("menus", name), "can't be left: every key leads back into menus", "let a key lead to a queue"
            )


def _menus_without_person(loaded: LoadedSite) -> Iterator[Problem]:
    site = loaded.site
    for name in site.menus:
        around = graph.reachable(site, [f"menu:{name}"], graph.keys_only)
        if not any(graph.kind(place) in (*graph.PEOPLE, "extension", "directory") for place in around):
            yield Problem(
                ("menus", name),
                "no key leads to a person from here, not even by way of other menus",
                "always let people speak to an operator: leave out `operator_key = false`, or add a key",
            )


def _going_round(loaded: LoadedSite) -> Iterator[Problem]:
    """Callers who do nothing, or whom nobody can help, must end up somewhere."""
    site = loaded.site
    told: set[str] = set()
    for start in (*(f"menu:{name}" for name in site.menus), *(f"queue:{name}" for name in site.queues)):
        way, place = [start], graph.fallback(site, start)
        while place is not None and place not in way:
            way.append(place)
            place = graph.fallback(site, place)
        if place is not None and not told & set(way):
            circle = " -> ".join([*way[way.index(place) :], place])
            path: KeyPath = (f"{graph.kind(place)}s", graph.target(place), "fallback")
            yield Problem(path, f"fallbacks go round for ever: {circle}", "let one end, such as with `say:PROMPT`")
        told |= set(way)


def _nowhere(loaded: LoadedSite) -> Iterator[Problem]:
    for name, number in loaded.site.numbers.items():
        if number.enters == "hangup":
            yield Problem(
                ("numbers", name, "enters"), "callers are hung up on without a word", "let it enter a menu or a queue"
            )
        if number.trunks == [] and not number.phones:
            yield Problem(
                ("numbers", name), "can be dialled neither over a trunk nor from a phone", "allow one of them"
            )
        if number.closed == "hangup":
            yield Problem(
                ("numbers", name, "closed"),
                "callers are hung up on without a word when closed",
                "tell them when to call again: `say:PROMPT`",
            )


def _lookup(loaded: LoadedSite) -> Iterator[Problem]:
    lookup = loaded.site.lookup
    if lookup and not loaded.inside(lookup.csv).is_file():
        yield Problem(
            ("lookup", "csv"), f"there is no file {loaded.inside(lookup.csv)}", "put it there, or leave out [lookup]"
        )


def _overlaps(loaded: LoadedSite) -> Iterator[Problem]:
    for name, hours in loaded.site.hours.items():
        days: list[tuple[KeyPath, list[str]]] = [
            *((("hours", name, "weekly", day.value), ranges) for day, ranges in hours.weekly.items()),
            *((("hours", name, "special", index, "open"), day.open) for index, day in enumerate(hours.special)),
        ]
        for path, ranges in days:
            ordered = sorted(ranges)
            for first, second in pairwise(ordered):
                if second.split("-")[0] < first.split("-")[1]:
                    yield Problem(
                        path, f"`{first}` and `{second}` overlap", f"write one range for both in {written(path)}"
                    )
        if not any(ranges for _, ranges in days):
            yield Problem(("hours", name), "is never open", "add times to `weekly`")


def _big_menus(loaded: LoadedSite) -> Iterator[Problem]:
    site = loaded.site
    for place, depth in graph.reachable(site, graph.entrances(site), graph.everywhere).items():
        if graph.kind(place) == "menu" and depth >= _DEEPEST:
            sentence = f"callers are {depth + 1} menus deep here"
            yield Problem(("menus", graph.target(place)), sentence, f"keep it short: at most {_DEEPEST}")
    for name, menu in site.menus.items():
        width = len([key for key in menu.keys if key in "123456789"])
        if width > _WIDEST:
            yield Problem(("menus", name, "keys"), f"there are {width} choices", f"keep it short: at most {_WIDEST}")


def _unreachable(loaded: LoadedSite) -> Iterator[Problem]:
    site: Site = loaded.site
    entered = graph.reachable(site, [*graph.entrances(site), "operator"], graph.everywhere)
    for section, one in (("menus", "menu"), ("queues", "queue")):
        for name in site.menus if section == "menus" else site.queues:
            if f"{one}:{name}" not in entered:
                yield Problem(
                    (section, name), "no number, menu or fallback leads here", "let a key or a number lead to it"
                )
    if not site.numbers:
        yield Problem(
            ("numbers",), "there are no numbers, so nobody can call", "add `[numbers.5000]` with `enters = ...`"
        )
    used = {(reference.section, reference.name) for reference in references(site)}
    used |= {("prompts", f"agent-{agent}") for agent in site.agents}
    for section, names in (("prompts", site.prompts), ("hours", site.hours)):
        for name in names:
            if (section, name) not in used:
                yield Problem((section, name), "is never used", "use it, or leave it out")


def _untranslated(loaded: LoadedSite) -> Iterator[Problem]:
    site = loaded.site
    for name, prompt in site.prompts.items():
        missing = [
            code for code in site.company.languages if code not in prompt.texts and code != site.default_language
        ]
        if prompt.file is None and prompt.text is None and site.default_language not in prompt.texts:
            missing.insert(0, site.default_language)
        if missing and prompt.file is None and _languages_chosen(site):
            yield Problem(
                ("prompts", name),
                f"isn't said in {', '.join(missing)}",
                f"add `texts.{missing[0]} = ...`; else callers hear another language",
            )


def _languages_chosen(site: Site) -> bool:
    return site.lookup is not None or any(True for _ in lint_people.chosen_languages(site))


_ERRORS: tuple[Rule, ...] = (
    _menus_without_exit,
    _menus_without_person,
    _going_round,
    _nowhere,
    lint_audio.recordings,
    lint_audio.music_folder,
    lint_audio.speech_wanted,
    _lookup,
    _overlaps,
    lint_tls.certificates,
    lint_people.unknown_skills,
    lint_people.unserved_queues,
)


def _no_time_to_speak(loaded: LoadedSite) -> Iterator[Problem]:
    waiting = loaded.site.waiting
    at_most = waiting.check_in_at_most
    if at_most <= _TIME_TO_SPEAK:
        yield Problem(
            ("waiting", "check_in_at_most"),
            "is no longer than some words take: silences longer than promised will be told",
            f"raise it above {_TIME_TO_SPEAK:.0f}",
        )
        return
    for key, seconds in (("check_in_aim", waiting.check_in_aim), ("hold_check_in", waiting.hold_check_in)):
        if seconds > at_most - _TIME_TO_SPEAK:
            yield Problem(
                ("waiting", key),
                f"leaves less than {_TIME_TO_SPEAK:.0f} s to say something before check_in_at_most: "
                "check-ins will begin earlier",
                "lower it, or raise check_in_at_most",
            )


def _calls_at_night(loaded: LoadedSite) -> Iterator[Problem]:
    site = loaded.site
    if site.callbacks is not None and site.callbacks.hours is None and any(one.hours for one in site.numbers.values()):
        yield Problem(
            ("callbacks",),
            "has no hours, though numbers do: customers whose turn comes at night are called then, if an agent is there",
            "add `hours` with the opening hours within which customers are called",
        )


def _number_shown(loaded: LoadedSite) -> Iterator[Problem]:
    callbacks, country = loaded.site.callbacks, loaded.site.company.country
    if callbacks is None:
        return
    if callbacks.caller_number is not None and not _is_possible(callbacks.caller_number, country):
        yield Problem(
            ("callbacks", "caller_number"),
            f"is no telephone number in {country}: customers can't call it, and providers may refuse the calls",
            "name a number of yours, such as one in international form with a leading +",
        )
    if callbacks.caller_number is None:
        yield Problem(
            ("callbacks",),
            "has no caller_number: customers see `asterisk` where a number should be, and providers may refuse the calls",
            "add `caller_number` with a number of yours",
        )


def _is_possible(number: str, country: str) -> bool:
    """Tell whether a number, read as one of `country`, is as long as numbers are where it belongs."""
    import phonenumbers  # noqa: PLC0415 - only where there is a number to be judged

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, country))
    except phonenumbers.NumberParseException:
        return False


_WARNINGS: tuple[Rule, ...] = (
    _big_menus,
    _unreachable,
    _untranslated,
    lint_audio.music,
    lint_audio.speech_kept,
    _no_time_to_speak,
    _calls_at_night,
    _number_shown,
    lint_people.idle_steps,
    lint_people.unserved_languages,
    lint_people.weak_secrets,
    lint_people.readable_file,
    lint_tls.readable_key,
)
