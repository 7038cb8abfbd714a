"""The verbs a script can say to a caller. Any of them raises CallerGone once the channel is no longer ours."""

from dataclasses import dataclass
from typing import Protocol

ANY_KEY = "0123456789*#"
"""Every key that a phone has and a caller may be asked for."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of the site by its id (`[prompts.ID]`)."""

    id: str


@dataclass(frozen=True, slots=True)
class Sound:
    """One of Asterisk's own sounds by its name, such as `agent-loginok`."""

    name: str


@dataclass(frozen=True, slots=True)
class Digits:
    """Digits, spoken one by one."""

    digits: str


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    value: int


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in the site's time zone, from seconds since the epoch."""

    at: float


@dataclass(frozen=True, slots=True)
class Letters:
    """A word, spelt out."""

    text: str


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded under a name (`Caller.record`)."""

    name: str


Spoken = Prompt | Sound | Digits | Number | Clock | Letters | Recording


@dataclass(frozen=True, slots=True)
class Recorded:
    """How a recording ended. `key` ended it, or None: silence or its longest time did. `seconds` is how long it is.

    `gone`: the channel is no longer ours; what was said until then is recorded, and the next verb raises CallerGone.
    """

    seconds: float
    key: str | None = None
    gone: bool = False


class Caller(Protocol):
    """One caller on the line."""

    @property
    def language(self) -> str:
        """The language code prompts are spoken in."""

    @property
    def silent_for(self) -> float | None:
        """Return how many seconds ago the last word of the last `say` ended; None when nothing of it was played: its sounds are missing."""

    async def answer(self) -> None:
        """Answer the channel. Later calls do nothing."""

    async def speak_language(self, code: str) -> None:
        """Speak in another language from now on."""

    async def say(self, *spoken: Spoken, keys: str = "") -> str | None:
        """Say all of `spoken` in turn; a key out of `keys` cuts it short and is returned, else None.

        Music that was on is on again afterwards, from where it was.
        """

    async def key(self, seconds: float, keys: str = ANY_KEY) -> str | None:
        """Wait for a key for at most `seconds`; music plays on. Keys outside `keys` are passed over. None when none came."""

    async def ask(self, *spoken: Spoken, seconds: float) -> str | None:
        """Say all of `spoken`, which any key cuts short, and wait for a key for at most `seconds` after it. None when none came."""

    async def digits(self, *spoken: Spoken, most: int, seconds: float) -> str | None:
        """Say `spoken` and gather up to `most` digits, `seconds` between two; `#` ends early. Never logged.

        None when nothing was pressed, which `#` alone isn't.
        """

    async def music(self, name: str | None) -> None:
        """Play the music class `name` from now on; None stops it."""

    async def record(self, name: str, *, most: float, silence: float) -> Recorded:
        """Beep and record what the caller says, under `name` and over what was there, until a key, `silence` or `most` seconds."""

    async def leave(self, context: str, exten: str = "s") -> None:
        """Hand the channel to the dialplan at `context`,`exten`, and end the script in good order."""

    async def join(self, channel: str) -> None:
        """Be joined with another channel by the dialplan, as an answered offer is, and end the script in good order."""

    async def hang_up(self) -> None:
        """Hang up in good order."""

    def cut(self) -> None:
        """Cut short the `say`, `key`, `ask` or `digits` under way, which returns None at once. Does nothing when none is."""
