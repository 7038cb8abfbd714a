"""Lint rules about people: skills nobody has, queues nobody can serve, secrets anybody could guess."""

from collections.abc import Iterator

from callhandler.core.skills import both, parse
from callhandler.site.findings import Problem
from callhandler.site.loading import LoadedSite
from callhandler.site.mistakes import did_you_mean
from callhandler.site.models import Agent, Choice, QueueTable, Site
from callhandler.site.positions import KeyPath

_SHORTEST_PIN = 6
_SHORTEST_PASSWORD = 12
_RUNS = "01234567890 09876543210"


def serving(site: Site, queue: str) -> list[Agent]:
    """Return the agents whose routing profile has the queue; an empty profile has every queue."""
    return [agent for agent in site.agents.values() if not agent.serves or queue in {row.queue for row in agent.serves}]


def chosen_languages(site: Site) -> Iterator[tuple[KeyPath, str]]:
    """Yield every language that a key chooses, and where."""
    for name, menu in site.menus.items():
        for key, action in menu.keys.items():
            if isinstance(action, Choice) and action.language is not None:
                yield ("menus", name, "keys", key, "language"), action.language


def unknown_skills(loaded: LoadedSite) -> Iterator[Problem]:
    """Find skills that are wanted somewhere and that no agent has."""
    site = loaded.site
    had = {skill for agent in site.agents.values() for skill in agent.skills}
    for path, skills in _wanted(site):
        for skill in sorted(skills - had):
            yield Problem(path, f"nobody has the skill `{skill}`", did_you_mean(skill, had))


def _wanted(site: Site) -> Iterator[tuple[KeyPath, frozenset[str]]]:
    for name, queue in site.queues.items():
        for index, step in enumerate(queue.steps):
            yield ("queues", name, "steps", index, "wants"), parse(step.wants).skills()
    for name, menu in site.menus.items():
        for key, action in menu.keys.items():
            if isinstance(action, Choice) and action.wants is not None:
                yield ("menus", name, "keys", key, "wants"), parse(action.wants).skills()
    for path, language in chosen_languages(site):
        yield path, frozenset([site.company.languages[language]])


def unserved_queues(loaded: LoadedSite) -> Iterator[Problem]:
    """Find queues of which no step can ever be met by anybody who serves them."""
    site = loaded.site
    for name, queue in site.queues.items():
        agents = serving(site, name)
        if not agents:
            yield Problem(
                ("queues", name), "no agent serves this queue", "add it to an agent's `serves`, or add an agent"
            )
        elif not any(_met(queue, index, agents) for index in range(len(queue.steps))):
            yield Problem(
                ("queues", name),
                "nobody who serves this queue has what any step wants",
                "relax the last step, or give an agent the skills",
            )


def _met(queue: QueueTable, index: int, agents: list[Agent]) -> bool:
    wants = parse(queue.steps[index].wants)
    return any(wants.matches(agent.skills) for agent in agents)


def idle_steps(loaded: LoadedSite) -> Iterator[Problem]:
    """Find steps that nobody can ever meet, in queues that somebody can serve."""
    site = loaded.site
    for name, queue in site.queues.items():
        met = [_met(queue, index, serving(site, name)) for index in range(len(queue.steps))]
        for index, somebody in enumerate(met):
            if not somebody and any(met):
                yield Problem(
                    ("queues", name, "steps", index, "wants"),
                    "nobody who serves this queue can ever meet this step",
                    "leave it out",
                )


def unserved_languages(loaded: LoadedSite) -> Iterator[Problem]:
    """Find queues in which callers who chose a language can't be served by anybody, at any step."""
    site = loaded.site
    for language in dict.fromkeys(language for _, language in chosen_languages(site)):
        spoken = parse(site.company.languages[language])
        for name, queue in site.queues.items():
            wants = [
                parse(step.wants) if step.drop_call_wants else both(parse(step.wants), spoken) for step in queue.steps
            ]
            if not any(want.matches(agent.skills) for want in wants for agent in serving(site, name)):
                yield Problem(
                    ("queues", name),
                    f"nobody here speaks {spoken}, which callers can choose",
                    "add a last step with `drop_call_wants = true`",
                )


def weak_secrets(loaded: LoadedSite) -> Iterator[Problem]:
    """Find PINs and passwords that are guessed first."""
    site = loaded.site
    for name, agent in site.agents.items():
        pin = agent.pin.get_secret_value()
        where: KeyPath = ("agents", name, "pin")
        if len(pin) < _SHORTEST_PIN:
            yield Problem(where, f"has {len(pin)} digits", f"{_SHORTEST_PIN} or more resist guessing")
        elif pattern := _pattern(pin, name):
            yield Problem(where, f"{pattern}: such PINs are tried first", "take digits without a pattern")
    secrets: list[tuple[KeyPath, str]] = [
        *((("phones", name, "password"), phone.password.get_secret_value()) for name, phone in site.phones.items()),
        (("asterisk", "ami_secret"), site.asterisk.ami_secret.get_secret_value()),
    ]
    seen: dict[str, KeyPath] = {}
    for path, secret in secrets:
        if _weak(secret, str(path[1])):
            yield Problem(
                path,
                "is weak: SIP passwords are tried all day long",
                f"take {_SHORTEST_PASSWORD} or more random characters",
            )
        if secret in seen:
            yield Problem(path, "is used twice", "give every phone a password of its own")
        seen.setdefault(secret, path)


def _pattern(pin: str, agent: str) -> str | None:
    """Return what makes a PIN one that is tried first."""
    if pin in _RUNS:
        return "is digits in a row"
    if len(set(pin)) <= 2:
        return "has no more than two different digits"
    return f"has the agent's id {agent} in it" if agent in pin else None


def _weak(secret: str, owner: str) -> bool:
    """Tell whether a password is short, of few different characters, or little more than its owner's name."""
    plain = secret.lower().replace("password", "").replace("secret", "").replace(owner, "")
    return len(secret) < _SHORTEST_PASSWORD or len(set(secret)) < 5 or len(plain) < 8


def readable_file(loaded: LoadedSite) -> Iterator[Problem]:
    """Find a site file that others on this machine can read."""
    mode = loaded.path.stat().st_mode & 0o777
    if mode & 0o077:
        yield Problem((), f"holds passwords, and others can read it (mode {mode:04o})", f"chmod 600 {loaded.path}")
