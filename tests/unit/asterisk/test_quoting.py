"""No value becomes a header, a command or an expression: properties over any text."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callhandler.asterisk import quoting
from callhandler.asterisk.ami_text import action
from callhandler.asterisk.quoting import Unquotable

NASTY = [
    "\r",
    "\n",
    "\0",
    "\r\n",
    '"',
    "\\",
    "${",
    "$[",
    "}",
    "]",
    ";",
    ",",
    "<",
    ">",
    "'",
    " ",
    "a",
    "é",
    "\x85",
    "\u2028",
    "\udcff",
    "x" * 10_000,
]
anything = st.one_of(
    st.text(),
    st.lists(st.sampled_from(NASTY), max_size=12).map("".join),
    st.binary().map(lambda b: b.decode("latin-1")),
)


def as_asterisk_reads(text: bytes) -> list[str]:
    """Lines as main/manager.c get_input takes them: a bare LF ends one too."""
    return text.decode().replace("\r\n", "\n").split("\n")


def parse_args(line: str) -> list[str]:
    """A command as res_agi.c parse_args takes it apart."""
    words: list[str] = []
    quoted = escaped = False
    whitespace = True
    for c in line:
        if c == '"' and not escaped:
            quoted = not quoted
            if quoted and whitespace:
                words.append("")
                whitespace = False
        elif c in " \t" and not quoted and not escaped:
            whitespace = True
        elif c == "\\" and not escaped:
            escaped = True
        else:
            if whitespace:
                words.append("")
                whitespace = False
            words[-1] += c
            escaped = False
    return words


@given(anything)
@example("x\r\n\r\nAction: Command\r\nCommand: core stop now")
def test_a_header_is_one_line_or_refused(value: str) -> None:
    try:
        text = action("Setvar", "1", {"Value": value})
    except Unquotable:
        return
    lines = as_asterisk_reads(text)
    assert len(text) < 1_200
    assert lines == ["Action: Setvar", "ActionID: 1", f"Value: {value}", "", ""]


@given(st.lists(anything, max_size=4))
@example(['a" EXEC "System', "\\", ""])
def test_an_agi_command_is_one_line_with_the_same_arguments_or_refused(values: list[str]) -> None:
    try:
        line = quoting.command("SET VARIABLE", *values)
    except Unquotable:
        return
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert len(line) <= 2_001
    assert not {b"\r"[0], 0} & set(line)
    assert parse_args(line.decode()[:-1]) == ["SET", "VARIABLE", *values]


@given(anything, anything)
def test_a_caller_id_is_a_name_and_a_number_whatever_they_are(name: str, number: str) -> None:
    value = quoting.caller_id(name, number)
    found = re.fullmatch(r'"([^"<>\\\r\n\0]{0,40})" <(\+?[0-9]{0,32})>', value)
    assert found is not None
    assert not re.search(r"\$[{\[]", value)
    assert len(as_asterisk_reads(action("Originate", "1", {"CallerID": value}))) == 5


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Sales: José Müller", "Sales: José Müller"),
        ("山田太郎", "山田太郎"),
        ("Анна", "Анна"),
        ('"Bob" <sip:1>', "Bob sip:1"),
        ("a$${{SHELL(x)}", "aSHELL(x)}"),
        ("a\r\nAction: x\0", "aAction: x"),
        ("a\u202eb\u200b", "ab"),
        ("  x\u00a0y  ", "x y"),
        ("n" * 50, "n" * 40),
    ],
)
def test_display_names(name: str, shown: str) -> None:
    assert quoting.display_name(name) == shown


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("+49 (30) 1-2", "+493012"),
        ("0+30", "030"),
        ("anonymous", ""),
        ("+", ""),
        ("١٢٣", ""),
        (" +1", "+1"),
        ("9" * 99, "9" * 32),
    ],
)
def test_numbers(number: str, kept: str) -> None:
    assert quoting.phone_number(number) == kept


@pytest.mark.parametrize("bad", ["", "/.*/", "a b", "a,b", "a\n", "${X}", "é", "-a", "x" * 200])
def test_ids_are_ids(bad: str) -> None:
    with pytest.raises(Unquotable):
        quoting.identifier(bad)
    assert quoting.identifier("pbx1-1795286814.0") == "pbx1-1795286814.0"


@pytest.mark.parametrize("bad", ["", "PJSIP/a,b", "PJSIP/a&b", "PJSIP/${X}", "PJSIP/a b", "a)b", "a\n"])
def test_channel_names_are_channel_names(bad: str) -> None:
    with pytest.raises(Unquotable):
        quoting.channel_name(bad)
    assert quoting.channel_name("PJSIP/pstn-0000001f") == "PJSIP/pstn-0000001f"


def test_too_much_is_refused() -> None:
    with pytest.raises(Unquotable):
        action("X", "1", {"Variable": ["a=b"] * 119})
    with pytest.raises(Unquotable):
        quoting.command("NOOP", *["x"] * 21)
    with pytest.raises(Unquotable):
        quoting.command("noop; EXEC")
    with pytest.raises(Unquotable):
        quoting.header("Bad Name:", "x")
