"""What goes to Asterisk: every value that is quoted, and the orders it stands in, read back as Asterisk reads them."""

import re
from collections.abc import Callable
from contextlib import suppress

from callhandler.asterisk import quoting
from callhandler.asterisk.ami_link import Headers
from callhandler.asterisk.ami_text import action, fields
from callhandler.asterisk.dialling import dialled, originate
from callhandler.asterisk.pbx.quoting import Unwritable, host, value, word
from callhandler.asterisk.quoting import Unquotable
from callhandler.asterisk.speaking import rung_briefly, sent_to_line, spoken, texted
from callhandler.core.ports import BriefCall, DialLeg, OfferLeg, SpokenWord
from tests.fuzz.engine import Target
from tests.unit.asterisk.test_quoting import as_asterisk_reads, parse_args

NEXT = b"\x1e"
_LIST = frozenset(",&|")
"""What begins another channel, another variable or another argument for Asterisk."""


def texts(data: bytes, count: int) -> list[str]:
    """Return `count` texts of an input, halves of surrogate pairs among them: JSON can carry those."""
    found = [piece.decode("utf-8", "surrogateescape") for piece in data.split(NEXT)[:count]]
    return found + [""] * (count - len(found))


def agi_command(data: bytes) -> None:
    """A command is one line with the same arguments, or refused."""
    values = texts(data, 4)
    try:
        line = quoting.command("SET VARIABLE", *values)
    except Unquotable:
        return
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert not {13, 0} & set(line)
    assert len(line) <= 2_001
    assert parse_args(line.decode()[:-1]) == ["SET", "VARIABLE", *values]


def ami_action(data: bytes) -> None:
    """An action is the same headers, one a line, or refused."""
    name, text, variable = texts(data, 3)
    try:
        sent = action("Setvar", "1", {name: text, "Variable": [variable, "b=c"]})
    except Unquotable:
        return
    if name in ("Action", "ActionID", "Variable"):
        return
    lines = as_asterisk_reads(sent)
    assert lines == [
        "Action: Setvar",
        "ActionID: 1",
        f"{name}: {text}",
        f"Variable: {variable}",
        "Variable: b=c",
        "",
        "",
    ]
    assert "\0" not in sent.decode()
    assert fields(sent[:-4])[name] == text


_ORDERS: tuple[Callable[[list[str]], Headers], ...] = (
    lambda t: originate(OfferLeg(t[0], t[1], t[2], t[3], 15.0, t[4], t[5]), "call-1"),
    lambda t: originate(OfferLeg(t[0], t[1], t[2], t[3], 15.0, t[4], t[5], callback=True), "call-1"),
    lambda t: dialled(DialLeg(t[0], t[1], t[2], t[3], 15.0, 600.0, t[4], t[5])),
    lambda t: spoken(SpokenWord(t[0], t[1], t[2], (t[3], t[4]))),
    lambda t: rung_briefly(BriefCall(t[0], t[1], 15.0, t[4], t[5], t[2], t[3])),
    lambda t: sent_to_line(t[0]),
    lambda t: texted(BriefCall(t[0], t[1], 15.0, t[4], t[5], t[2], t[3])),
)


def orders(data: bytes) -> None:
    """An order keeps its shape whatever stands in it: the headers and variables it has by itself, and no list where one is meant."""
    given = texts(data[1:], 6)
    order = _ORDERS[(data[0] if data else 0) % len(_ORDERS)]
    plain = order(
        ["1.1", "101", "+15550100", "t", "n", "1"] if order is _ORDERS[2] else ["1.1", "101", "1.2", "t", "n", "1"]
    )
    with suppress(Unquotable):
        headers = order(given)
        sent = action("Originate", "1", headers)
        assert list(headers) == list(plain)
        assert len(as_asterisk_reads(sent)) == len(as_asterisk_reads(action("Originate", "1", plain)))
        channel, variables = str(headers.get("Channel") or headers["To"]), headers.get("Variable", [])
        assert not _LIST & set(channel)
        assert not any(_LIST & set(one) or "$" in one or one.count("=") < 1 for one in variables)
        caller = headers.get("CallerID")
        assert caller is None or re.fullmatch(r'"[^"<>\\\x00-\x1f\x7f]{0,40}" <\+?[0-9]{0,32}>', str(caller))


def caller_id(data: bytes) -> None:
    """Names and numbers are harmless, whatever they were, and stay as they are when made harmless again."""
    name, number = texts(data, 2)
    shown, digits = quoting.display_name(name), quoting.phone_number(number)
    assert len(shown) <= 40
    assert not any(bad in shown for bad in ("\r", "\n", "\0", '"', "<", ">", "\\", "${", "$["))
    assert quoting.display_name(shown) == shown
    assert shown.encode().decode() == shown
    assert re.fullmatch(r"(\+?[0-9]{1,32})?", digits)
    assert quoting.phone_number(digits) == digits
    for refuses in (quoting.identifier, quoting.channel_name):
        with suppress(Unquotable):
            assert refuses(name) == name
            assert name.isascii()
            assert not set(name) & set(" \t\r\n\0,&$(){}[]|\"'<>")


def conf_value(data: bytes) -> None:
    """A value, word or host of Asterisk's configuration reads back the same, on its own line, or is refused."""
    (text,) = texts(data, 1)
    with suppress(Unwritable):
        written = value(text, "it")
        assert _as_conf(f"password = {written}\n") == ("password", text)
    with suppress(Unwritable):
        assert _as_conf(f"context = {word(text, 'it')}\n") == ("context", text)
    with suppress(Unwritable):
        named = host(text, "it")
        assert named.strip("[]") == text.strip("[]")
        assert not set(named) & set(" ;,${}()\"'\\<>")


def _as_conf(line: str) -> tuple[str, str]:
    """Read a line as main/config.c does: up to its end, `;` begins a comment unless escaped, blanks around a value are dropped."""
    assert line.count("\n") == 1
    text = re.split(r"(?<!\\);", line[:-1])[0].replace("\\;", ";")
    name, _, right = text.partition("=")
    return name.strip(" \t"), right.removeprefix(">").strip(" \t")


_WORDS = (
    b"\r\nAction: Command\r\nCommand: core stop now", b'" EXEC System "', b"${SHELL(id)}", b"$$[{1}]", b"PJSIP/101&Local/s@x",
    b"+15550100",
    b"pbx1-1795286814.7", b"PJSIP/pstn-0000001f", b"\x1e", b"\x1e\x1e", b"/.*/", b"a,b=c", b"\\;", b";", b"=>", b"#include", b"x" * 1_000,
    b"\\", b'\\"',
)  # fmt: skip

TARGETS = (
    Target("agi_command", "one line with the same arguments as res_agi.c takes it apart, or Unquotable", agi_command, _WORDS),
    Target("ami_action", "the same headers as manager.c reads them, or Unquotable", ami_action, _WORDS, cost=2),
    Target("orders", "an Originate or Redirect has its own headers, one channel, its own variables and a plain caller id, or Unquotable",
           orders, _WORDS, cost=4),
    Target("caller_id", "harmless on displays and in headers; made harmless twice is the same as once; ids are ids", caller_id, _WORDS),
    Target("conf_value", "reads back the same as config.c reads it, or Unwritable", conf_value, _WORDS),
)  # fmt: skip
