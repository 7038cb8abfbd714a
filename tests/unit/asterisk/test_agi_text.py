"""FastAGI's text: any bytes at all give a value or AgiTextError, and what a caller chose stays a value."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.asterisk.agi_text import AgiReply, AgiTextError, environment, reply

LINES = [b"agi_channel: PJSIP/1", b"agi_uniqueid: 1.1"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_name(name: bytes) -> None:
    env = environment([*LINES, b"agi_calleridname: " + name])
    assert env.caller_name == "" or env.caller_name.encode() == name or env.caller_name.encode("latin-1") == name
    assert (env.channel, env.uniqueid) == ("PJSIP/1", "1.1")


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_header_block_is_read_or_refused(lines: list[bytes]) -> None:
    with contextlib.suppress(AgiTextError):
        environment(lines)
    assert environment([*LINES, *lines]).uniqueid == "1.1", "the first of a repeated header counts"


@given(st.one_of(st.text(), st.text().map("200 result=".__add__), st.from_regex(r"[0-9]{3}[ -].{0,40}")))
def test_any_line_is_a_reply_or_refused(line: str) -> None:
    with contextlib.suppress(AgiTextError):
        assert isinstance(reply(line), AgiReply)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("200 result=0", None),
        ("200 result=-1", None),
        ("200 result=1", None),
        ("200 result=49", "1"),
        ("200 result=35 endpos=7", "#"),
        ("200 result=233", None),
        ("200 result=1 (5)", None),
        ("510 Invalid or unknown command", None),
        ("511 Command Not Permitted on a dead channel", None),
    ],
)
def test_keys(line: str, key: str | None) -> None:
    assert reply(line).key == key


def test_a_callers_environment() -> None:
    lines = [*LINES, b"agi_network_script: call?x=1", b"agi_callerid: unknown", b"agi_calleridname: Jo: the first"]
    env = environment(
        [
            *lines,
            b"agi_arg_1: 5000",
            b"agi_arg_2: ",
            b"agi_arg_3: x",
            b"agi_arg_4: 0f1e",
            b"agi_arg_5: y",
            b"agi_context: c",
            b"agi_language: en",
        ]
    )
    assert (env.script, env.key, env.caller_number, env.caller_name) == ("call", "0f1e", "", "Jo: the first")
    assert (env.args, env.context, env.language) == (("5000", "", "x"), "c", "en")
    with pytest.raises(AgiTextError):
        environment([b"agi_channel: x"])
