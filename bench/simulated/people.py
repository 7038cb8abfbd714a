"""People of a simulated centre: who is going to call, and whoever is on the line with us, as the real scripts speak with them.

No asyncio: a conversation is a coroutine that awaits a `Pause`, and the centre goes on with it when that is over. They know no line, no
agent and no figure.
"""

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Protocol, cast

from callhandler.calling_back import AgentVisit
from callhandler.errors import CallerGone
from callhandler.scripts.caller import Caller, Prompt, Spoken

COMMAND = 0.002
"""Seconds that a command to Asterisk takes."""
GONE, CUT = "gone", "cut"


class House(Protocol):
    """The centre, as far as people need it."""

    now: float

    def at(self, when: float, action: Callable[..., None], *arguments: object) -> None:
        """Have something happen."""

    def length(self, piece: Spoken) -> float:
        """Return how long it takes to say something, in seconds."""

    def silent(self, seconds: float) -> None:
        """Take note of how long a caller in line was without the end of a word."""

    def join(self, agent: "OnPhone", channel: str) -> None:
        """Join an agent with the customer who said yes."""

    def hung_up_on(self, person: "OnPhone") -> None:
        """Hang up on somebody."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is going to call: when, for how long they wait and talk (seconds), and which keys they press after which prompts.

    `reached` says how each attempt to call them back goes: seconds until they answer, or None for a phone that rings on.
    """

    at: float
    number: str
    patience: float
    talk: float
    keys: dict[str, str]
    reached: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """What conversations await: to go on after some seconds, or earlier with what happened."""

    seconds: float

    def __await__(self) -> Generator["Pause", str | None, str | None]:
        return (yield self)


class Person:
    """Somebody on the line with us, as a script speaks with them (scripts.caller.Caller, the verbs that are needed here)."""

    language = "en"

    def __init__(self, centre: House, keys: dict[str, str]) -> None:
        """`keys` are pressed after the prompts they stand for."""
        self.centre, self.keys = centre, keys
        self.since = centre.now
        self._turn = 0
        self._gone = False
        self._script: Coroutine[Pause, str | None, object] | None = None

    @property
    def silent_for(self) -> float:
        """Return for how long nobody has spoken."""
        return self.centre.now - self.since

    def as_caller(self) -> Caller:
        """Return this person for a script, which finds none but the verbs that are needed here."""
        return cast(Caller, self)

    def talk_to(self, script: Coroutine[Pause, str | None, object]) -> None:
        """Have a script speak with this person from now on."""
        self._script = script
        self._go_on(self._turn, None)

    def interrupt(self, what: str) -> None:
        """Interrupt what is being said or waited for, at this instant but after all that follows from what happens now."""
        self._gone = self._gone or what == GONE
        self.centre.at(self.centre.now, self._go_on, self._turn, what)

    def cut(self) -> None:
        """Be cut short by the house."""
        self.interrupt(CUT)

    def _go_on(self, turn: int, what: str | None) -> None:
        if turn != self._turn or self._script is None:
            return
        self._turn += 1
        try:
            pause = self._script.send(what)
        except (StopIteration, CallerGone):
            self._script = None
        else:
            self.centre.at(self.centre.now + pause.seconds, self._go_on, self._turn, None)

    async def _pass(self, seconds: float) -> str | None:
        what = GONE if self._gone else await Pause(seconds)
        if what == GONE or self._gone:
            raise CallerGone(GONE)
        return what

    # --- verbs ------------------------------------------------------------------------------------------------------

    async def answer(self) -> None:
        await self._pass(COMMAND)

    async def speak_language(self, code: str) -> None:
        await self._pass(COMMAND)

    async def say(self, *spoken: Spoken, keys: str = "") -> str | None:
        for piece in spoken:
            try:
                what = await self._pass(self.centre.length(piece))
            finally:
                self.hears()
            if what == CUT:
                return None
            key = self.keys.get(piece.id) if isinstance(piece, Prompt) else None
            if key is not None and key in keys:
                return key
        return None

    def hears(self) -> None:
        """Take note that a word has just ended."""
        self.since = self.centre.now

    async def key(self, seconds: float, keys: str = "") -> str | None:
        await self._pass(seconds)
        return None

    async def music(self, name: str | None) -> None:
        await self._pass(COMMAND)


class Waiter(Person):
    """A caller in line."""

    def __init__(self, centre: House, visitor: Visitor, call: str) -> None:
        super().__init__(centre, visitor.keys)
        self.visitor, self.call = visitor, call

    def hears(self) -> None:
        self.centre.silent(self.silent_for)
        super().hears()


class OnPhone(Person):
    """An agent or a customer, at the leg that rang."""

    def __init__(self, centre: House, keys: dict[str, str], leg: str) -> None:
        super().__init__(centre, keys)
        self.leg = leg
        self.visit: AgentVisit | None = None

    async def join(self, channel: str) -> None:
        self.centre.join(self, channel)
        await self._pass(0.0)

    async def hang_up(self) -> None:
        self.centre.hung_up_on(self)
        await self._pass(0.0)
