"""The one place where values become part of an AMI message or an AGI command. What can't be said safely is refused.

Must not know who says what: it knows only how Asterisk takes text apart (main/manager.c get_input, res/res_agi.c parse_args).
"""

import re
import unicodedata

from callhandler.asterisk import wire
from callhandler.errors import CallhandlerError

_FORBIDDEN = re.compile(r"[\r\n\0]")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_COMMAND = re.compile(r"[A-Z]+( [A-Z]+){0,2}")
_NOT_IN_NAMES = frozenset('"<>\\')
_MOST_NAME = 40


class Unquotable(CallhandlerError):
    """A value that can't be said to Asterisk without becoming something else. The value itself is not in the message."""


def header(name: str, value: str) -> str:
    """Return the line `name: value` of an AMI message, without its end.

    Raises Unquotable for CR, LF, NUL, lone surrogates, a name that is no header's, or more than 1,000 bytes.
    """
    if not _HEADER_NAME.fullmatch(name):
        raise Unquotable("an AMI header's name may hold letters, digits and hyphens only")
    if _FORBIDDEN.search(value):
        raise Unquotable(f"the AMI header {name} may hold no line ends or NUL")
    line = f"{name}: {value}"
    if _size(line) > wire.MOST_HEADER_BYTES:
        raise Unquotable(f"the AMI header {name} is longer than {wire.MOST_HEADER_BYTES} bytes")
    return line


def argument(value: str) -> str:
    """Return `value` as one quoted AGI argument.

    parse_args understands `"` and `\\` alone; a line end would begin another command, so it is refused (Unquotable).
    """
    if _FORBIDDEN.search(value):
        raise Unquotable("an AGI argument may hold no line ends or NUL")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command(name: str, *arguments: str) -> bytes:
    """Return the line of an AGI command, ready to be sent.

    Raises Unquotable for a name that is no command's, more than 20 arguments, or more than 2,000 bytes: beyond its buffer
    Asterisk would take the rest for another command.
    """
    if not _COMMAND.fullmatch(name) or len(arguments) > wire.MOST_ARGUMENTS:
        raise Unquotable("an AGI command is one to three words in capitals and at most 20 arguments")
    line = " ".join((name, *map(argument, arguments)))
    if _size(line) > wire.MOST_COMMAND_BYTES:
        raise Unquotable(f"an AGI command may be {wire.MOST_COMMAND_BYTES} bytes long at most")
    return line.encode() + b"\n"


def identifier(value: str) -> str:
    """Return a channel's unique id, or a phone's, unchanged.

    Raises Unquotable for anything else: a Hangup of `/.*/` would hang up every channel.
    """
    if not _ID.fullmatch(value):
        raise Unquotable("an id holds letters, digits, dots, hyphens and underscores only")
    return value


def channel_name(value: str) -> str:
    """Return a channel's name (`PJSIP/pstn-0000001f`), or raise Unquotable if it could mean more in a channel variable.

    `Variable:` takes commas for the next variable, and the dialplan's Bridge() takes commas, brackets and `$` for its own.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9/@;:._+-]{0,199}", value):
        raise Unquotable("not the name of a channel")
    return value


def display_name(value: str) -> str:
    """Return a name that is harmless on a phone's display and in `CallerID: "name" <number>`.

    Letters of all scripts stay. Control and invisible characters, line ends, lone surrogates, `"<>\\` and the beginnings of
    dialplan expressions (`${`, `$[`) are dropped; at most 40 characters are kept.
    """
    kept = "".join(_shown(c) for c in value[:10_000])
    while "${" in kept or "$[" in kept:
        kept = kept.replace("${", "").replace("$[", "")
    return kept[:_MOST_NAME].strip()


def phone_number(value: str) -> str:
    """Return the digits of a number, with one leading `+` if it had one; "" if there are none. At most 32 digits."""
    digits = "".join(c for c in value if c in "0123456789")[:32]
    return f"+{digits}" if digits and value.lstrip().startswith("+") else digits


def caller_id(name: str, number: str) -> str:
    """Return the value of a CallerID header made of any name and number."""
    return f'"{display_name(name)}" <{phone_number(number)}>'


def _shown(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Zs":
        return " "
    return "" if kind[0] in "CZ" or letter in _NOT_IN_NAMES else letter


def _size(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise Unquotable("text with lone surrogates can't be sent") from error
