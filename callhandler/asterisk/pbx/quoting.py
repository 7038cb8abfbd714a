"""The one place where values of the site become part of Asterisk's configuration. What can't be written safely is refused.

Facts (main/config.c): a line is read into 8,192 bytes; `;` begins a comment unless a backslash stands before it; blanks around
a value are dropped; `#include` and `[` mean something only at a line's beginning. `${` and `$[` mean something in the
dialplan alone, where nothing but `word`s is ever written.
"""

import re

from callhandler.errors import CallhandlerError

_MOST = 1_000
_NEVER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WORD = re.compile(r"[A-Za-z0-9_+*#.:/\[\]@%-]+")


class Unwritable(CallhandlerError):
    """A value that Asterisk's configuration can't hold. The value itself is not in the message: it may be a secret."""


def value(text: str, what: str) -> str:
    """`text` as the right side of an option, such as a password or a path.

    Raises Unwritable for control characters, blanks at the ends, lone surrogates and more than 1,000 bytes; `what` names the
    value in the error.
    """
    _sound(text, what)
    if text != text.strip() or not text:
        raise Unwritable(
            f"{what} may not be empty, nor begin or end with a blank: Asterisk's configuration drops those"
        )
    return text.replace(";", "\\;")


def word(text: str, what: str) -> str:
    """`text` as a word of the dialplan or a section's name: letters, digits and `_+*#.:/[]@%-`, or Unwritable."""
    _sound(text, what)
    if not _WORD.fullmatch(text) or not text.isascii():
        raise Unwritable(
            f"{what} may hold letters, digits and _+*#.:/[]@%- only, as it stands in Asterisk's configuration"
        )
    return text


def host(text: str, what: str) -> str:
    """`text` as an address, a network or a host name; a bare IPv6 address is put into brackets as a URI wants it."""
    plain = word(text, what)
    if re.search(r"[+*#@_]", plain):
        raise Unwritable(f"{what} must be an address, a network or a host name")
    return f"[{plain}]" if plain.count(":") > 1 and not plain.startswith("[") else plain


def _sound(text: str, what: str) -> None:
    if _NEVER.search(text):
        raise Unwritable(f"{what} may not hold line ends or other control characters")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Unwritable(f"{what} is not valid text") from error
    if size > _MOST:
        raise Unwritable(f"{what} is {size:,} bytes long; Asterisk's configuration takes {_MOST:,}")
