"""Conversations as ladders: a caller who does as told, a house around the real switchboard, and what was said in order.

A `FakeCaller` takes its reactions from a list: a key, "" for silence, `Hangs up`, or something to do while the caller listens. Every
`say` with keys, every `key` and every `digits` takes one, an `ask` as a `say` and, after silence, a `key` do; a `say` without keys takes
none, as nobody can answer it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from callhandler.attendant import Attendant
from callhandler.callback_rooms import AskingRoom
from callhandler.core import events as e
from callhandler.core.calls import Call
from callhandler.core.hours import Opening
from callhandler.core.model import Outcome
from callhandler.core.redials import Left
from callhandler.errors import CallerGone, Refused
from callhandler.scripts.caller import (
    ANY_KEY,
    Clock,
    Digits,
    Letters,
    Number,
    Prompt,
    Recorded,
    Recording,
    Sound,
    Spoken,
)
from callhandler.scripts.house import Customer, Session
from callhandler.scripts.inbound import inbound
from callhandler.site.loading import load
from callhandler.site.models import Site
from callhandler.site.new import example
from callhandler.site.plan import plan
from callhandler.switchboard import Switchboard
from tests.unit.core.world import World

HANGS_UP = object()
Reaction = str | object | Callable[[], None]


class Over(Exception):
    """The caller was handed on or hung up on: the real verbs end the session in the same way."""


def words(spoken: Spoken) -> str:
    """Return what is said as a test reads it."""
    match spoken:
        case Prompt(name) | Sound(name):
            return name
        case Digits(text) | Letters(text):
            return text
        case Number(value):
            return str(value)
        case Clock(at):
            return f"time {at:.0f}"
        case Recording(name):
            return f"recording {name}"


class FakeCaller:
    """A caller with reactions."""

    def __init__(self, *reactions: Reaction) -> None:
        self.reactions = list(reactions)
        self.heard: list[str] = []
        self.language = "en"
        self.silent_for: float | None = 0.0
        self.playing: str | None = None
        self.cuts = 0

    @property
    def told(self) -> list[str]:
        """All that was heard but music and silence."""
        return [one for one in self.heard if one != "silence" and not one.startswith("music ")]

    def _reacts(self, keys: str) -> str | None:
        """React; whoever has no reaction left hangs up."""
        while self.reactions:
            reaction = self.reactions.pop(0)
            if callable(reaction):
                reaction()
                return None
            if reaction is HANGS_UP:
                break
            assert isinstance(reaction, str)
            if reaction == "" or reaction in keys:
                return reaction or None
        raise CallerGone("hung up")

    async def answer(self) -> None:
        """Be answered."""
        if "answered" not in self.heard:
            self.heard.append("answered")

    async def speak_language(self, code: str) -> None:
        """Hear another language."""
        self.language = code
        self.heard.append(f"speaks {code}")

    async def say(self, *spoken: Spoken, keys: str = "") -> str | None:
        """Listen, and perhaps press a key."""
        self.heard += [words(one) for one in spoken]
        return self._reacts(keys) if keys else None

    async def key(self, seconds: float, keys: str = ANY_KEY) -> str | None:
        """Press a key, or don't."""
        return self._reacts(keys)

    async def ask(self, *spoken: Spoken, seconds: float) -> str | None:
        """Listen and press a key, or don't: a reaction to each."""
        return await self.say(*spoken, keys=ANY_KEY) or await self.key(seconds)

    async def digits(self, *spoken: Spoken, most: int, seconds: float) -> str | None:
        """Key digits in, such as `7003`, or `#` alone."""
        self.heard += [words(one) for one in spoken]
        if not self.reactions or self.reactions[0] is HANGS_UP:
            raise CallerGone("hung up")
        keyed = self.reactions.pop(0)
        assert isinstance(keyed, str)
        return keyed.removesuffix("#")[:most] if keyed else None

    async def record(self, name: str, *, most: float, silence: float) -> Recorded:
        """Speak for as many seconds as the reaction says, such as `4 s`, or hang up after them (`4 s, gone`); or do something first."""
        reaction = self.reactions.pop(0)
        if callable(reaction):
            reaction()
            reaction = self.reactions.pop(0)
        self.heard.append(f"records {name}")
        seconds, _, after = str(reaction).partition(" s")
        return Recorded(float(seconds), "#", gone=after == ", gone")

    async def music(self, name: str | None) -> None:
        """Hear music, or silence where there was music."""
        if name is None and self.playing is None:
            return
        self.playing = name
        self.heard.append("silence" if name is None else f"music {name}")

    async def leave(self, context: str, exten: str = "s") -> None:
        """Be handed to the dialplan."""
        self.heard.append(f"-> {context},{exten}")

    async def join(self, channel: str) -> None:
        """Be joined with somebody."""
        self.heard.append(f"joined with {channel}")

    async def hang_up(self) -> None:
        """Be hung up on."""
        self.heard.append("hung up on")

    def cut(self) -> None:
        """Be interrupted."""
        self.cuts += 1


class FakeMessages:
    """Where messages would be kept."""

    def __init__(self) -> None:
        self.discarded: list[str] = []

    def free_name(self, call: str) -> str:
        """Name a message."""
        return call

    def keep(self, name: str) -> str:
        """Keep a message."""
        return f"var/messages/{name}.wav"

    def discard(self, name: str) -> None:
        """Remove a message."""
        self.discarded.append(name)


async def on_disk() -> bool:
    """Have all facts on disk at once."""
    return True


class Around(Protocol):
    """What a house needs of the world it stands in."""

    board: Switchboard

    @property
    def now(self) -> float:
        """The time."""


class FakeHouse:
    """A house around a real switchboard; what a script asks of others is set by the test."""

    def __init__(self, site: Site, world: Around) -> None:
        self.site = site
        self.world = world
        self.emergency: str | None = None
        self.open = Opening(True, "open hours", None)
        self.customer: Customer | Exception | None = None
        self.calling_back = AskingRoom(world.board.callbacks, lambda: world.now, on_disk)
        self.done: list[str] = []
        self.refuses: str | None = None
        self.free: dict[str, str] = {}
        self.messages = FakeMessages()
        self.attending = Attendant(world.board)

    async def joined(self, call: Call) -> bool:
        """Tell whether a caller is with an agent."""
        return call.leg is not None

    def now(self) -> float:
        """Return the time."""
        return self.world.now

    def note(self, fact: e.Fact) -> None:
        """Keep a fact."""
        self.world.board.record(fact)

    def enter(self, call: Call, queue: str) -> Outcome | None:
        """Put a call in line."""
        return self.world.board.enter(call, queue)

    def call_out(self, call: Call, number: str) -> None:
        """Be about to call out."""
        self.world.board.callbacks.call_out(call, number)

    def redialled(self, call: Call) -> Left | None:
        """Return the place that was kept."""
        return self.world.board.redials.find(call)

    def opening(self, hours: str) -> Opening:
        """Be open or closed."""
        assert hours in self.site.hours
        return self.open

    async def look_up(self, number: str) -> Customer | None:
        """Know a customer, or fail."""
        if isinstance(self.customer, Exception):
            raise self.customer
        return self.customer

    def identify(self, agent: str, pin: str, phone: str) -> bool:
        """Check a PIN."""
        return agent in self.site.agents and pin == self.site.agents[agent].pin.get_secret_value()

    def agent_at(self, phone: str) -> str | None:
        """Return who sits at a phone."""
        found = self.world.board.line.books.agent_at(phone)
        return None if found is None else found.id

    def agent_free(self, agent: str) -> str | None:
        """Return where an agent can be rung."""
        return self.free.get(agent)

    def _does(self, what: str) -> None:
        if self.refuses is not None:
            raise Refused(self.refuses)
        self.done.append(what)

    def log_in(self, agent: str, phone: str) -> None:
        """Log in."""
        self._does(f"login {agent} at {phone}")

    def log_out(self, agent: str) -> None:
        """Log out."""
        self._does(f"logout {agent}")

    def pause(self, agent: str) -> None:
        """Pause."""
        self._does(f"pause {agent}")

    def resume(self, agent: str) -> None:
        """Resume."""
        self._does(f"resume {agent}")


class Ladder:
    """A site, its house, and one call after another."""

    def __init__(self, directory: Path, more: str = "") -> None:
        path = directory / "callhandler.toml"
        path.write_text(example(15_000, "Acme", "UTC") + more, encoding="utf-8")
        self.site = load(path).site
        self.world = World(plan(self.site))
        self.house = FakeHouse(self.site, self.world)
        for agent in sorted(self.site.agents):
            phone = self.site.agents[agent].phone or ""
            self.world.board.record(e.AgentLoggedIn(at=self.world.now, agent=agent, phone=phone, by="test"))

    def dials(self, number: str, *reactions: Reaction, source: str = "trunk:pstn", caller: str = "") -> FakeCaller:
        """Have somebody dial a number; return what came of it."""
        self.call = self.world.call(caller)
        self.call.number, self.call.source = number, source
        return self._speak(number, source, reactions, again=False)

    def comes_back(self, *reactions: Reaction, number: str | None = None) -> FakeCaller:
        """Have the same call come back."""
        return self._speak(number or self.call.number, self.call.source, reactions, again=True)

    def _speak(self, number: str, source: str, reactions: tuple[Reaction, ...], *, again: bool) -> FakeCaller:
        fake = FakeCaller(*reactions)
        visit = self.world.board.begin_visit(self.call, fake.cut, lambda: None)
        session = Session(fake, self.call, number, source, self.house, visit)
        try:
            asyncio.run(inbound(session, again))
        except CallerGone:
            fake.heard.append("gone")
        self.world.board.end_visit(visit)
        return fake

    def facts(self, *kinds: type[e.Fact]) -> list[str]:
        """Return this call's facts of some kinds, as a test reads them."""
        found = []
        for fact in self.world.facts:
            if getattr(fact, "call", None) != self.call.id or not isinstance(fact, kinds):
                continue
            match fact:
                case e.KeyPressed():
                    found.append(f"{fact.key} in {fact.menu} -> {fact.led_to}")
                case e.MenuSilent():
                    found.append(f"silent in {fact.menu}")
                case e.CallSent():
                    found.append(f"sent to {fact.to}: {fact.reason}")
                case e.CallClosed() | e.LookupFailed():
                    found.append(fact.reason)
                case e.AttributeSet():
                    found.append(f"{fact.name} = {fact.value}")
                case e.HandsetUsed():
                    found.append(f"{fact.code} {fact.agent}: {fact.reason}")
                case e.CallEntered():
                    found.append(f"enters {fact.queue} wanting {fact.wants}")
        return found
