"""FastAGI's text: the header block and replies into values. No connection, no meaning.

Replies are `200 result=VALUE [(DATA)] [endpos=N]`, `510 …`, `511 …`, `520-…` up to a line `520 …` (res/res_agi.c).
VALUE is a number; of GET DATA it is the keys that were pressed, as they are, which may be none.
Nothing is read out of DATA: it can hold what a caller chose, such as the word `hangup`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callhandler.asterisk.ami_text import decode
from callhandler.errors import CallhandlerError

_REPLY = re.compile(
    r"(?P<code>[0-9]{3}) (?:result=(?P<result>-[0-9]{1,10}|[0-9*A-D]{0,1023}))?(?: ?\((?P<data>.*)\))?(?: endpos=(?P<endpos>[0-9]{1,18}))?",
    re.DOTALL,
)
_NUMBER = re.compile("-?[0-9]{1,10}")
_KEYS_PLACE = 4
"""Which argument proves where a session comes from (`agi_key`); those before it say what it is about."""


class AgiTextError(CallhandlerError):
    """What came is not FastAGI."""


@dataclass(frozen=True, slots=True)
class AgiReply:
    """What Asterisk answered a command. `cut` means that `cut()` was called while it ran, and no key was quicker.

    `result` is 0 where what stands there is no number. `keyed` is what stands there when GET DATA was asked: the keys, in turn.
    """

    code: int
    result: int | None = None
    data: str = ""
    endpos: int | None = None
    cut: bool = False
    keyed: str = field(default="", compare=False, repr=False)

    @property
    def good(self) -> bool:
        """Whether the command was carried out."""
        return self.code == 200 and self.result is not None and self.result >= 0

    @property
    def key(self) -> str | None:
        """The key that ended the command, if one did."""
        if self.cut or self.code != 200 or self.result is None or self.result <= 1:
            return None
        letter = chr(self.result) if self.result < 128 else ""
        return letter if letter and letter in "0123456789*#ABCD" else None


@dataclass(frozen=True, slots=True)
class AgiEnvironment:
    """Who calls, as the header block says. Texts may hold anything at all. `key` came as the fourth argument."""

    script: str
    key: str = field(repr=False)
    uniqueid: str
    channel: str
    language: str
    caller_number: str
    caller_name: str
    context: str
    args: tuple[str, ...]


def environment(block: Sequence[bytes]) -> AgiEnvironment:
    """Return the environment from the lines of a header block. Raises AgiTextError when it names no channel."""
    found = dict(reversed([(k, v) for k, split, v in (decode(line).partition(": ") for line in block) if split]))
    if not found.get("agi_uniqueid") or not found.get("agi_channel"):
        raise AgiTextError("the AGI header block names no channel")
    return AgiEnvironment(
        script=found.get("agi_network_script", "").partition("?")[0],
        key=found.get(f"agi_arg_{_KEYS_PLACE}", ""),
        uniqueid=found["agi_uniqueid"],
        channel=found["agi_channel"],
        language=found.get("agi_language", ""),
        caller_number=_known(found, "agi_callerid"),
        caller_name=_known(found, "agi_calleridname"),
        context=found.get("agi_context", ""),
        args=_arguments(found),
    )


def reply(line: str) -> AgiReply:
    """Return a reply from its one line. Raises AgiTextError for what is none."""
    found = _REPLY.match(line)
    if found is None:
        raise AgiTextError("a line that is no AGI reply")
    code, result = int(found["code"]), found["result"]
    if code != 200:
        return AgiReply(code, data=line[4:])
    endpos = found["endpos"]
    number = int(result) if result and _NUMBER.fullmatch(result) else 0
    keyed = "" if number < 0 else result or ""
    return AgiReply(code, number, found["data"] or "", None if endpos is None else int(endpos), keyed=keyed)


def _known(found: Mapping[str, str], name: str) -> str:
    value = found.get(name, "")
    return "" if value == "unknown" else value


def _arguments(found: Mapping[str, str]) -> tuple[str, ...]:
    values: list[str] = []
    while len(values) + 1 < _KEYS_PLACE and (value := found.get(f"agi_arg_{len(values) + 1}")) is not None:
        values.append(value)
    return tuple(values)
