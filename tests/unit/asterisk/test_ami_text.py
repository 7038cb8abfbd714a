"""AMI's stream taken apart: wherever it is cut, whatever bytes it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.asterisk.ami_text import AmiTextError, Framer, decode, event_name, fields, reply

STREAM = (
    b"Asterisk Call Manager/11.0.0\r\nEvent: Newchannel\r\nCallerIDName: Jos\xc3\xa9\r\nUniqueid: 1.1\r\nAccountCode: \r\n\r\n"
    b"Event: Newstate\r\nCallerIDName: Jos\xe9\r\nChannelState: 6\r\n\r\nResponse: Success\r\nActionID: 7\r\nMessage: a: b\r\n\r\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=20).map(sorted))
def test_wherever_the_stream_is_cut_it_is_the_same(cuts: list[int]) -> None:
    framer = Framer()
    pieces = [STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    first, second, third = [message for piece in pieces for message in framer.feed(piece)]
    assert framer.banner == "Asterisk Call Manager/11.0.0"
    assert (event_name(first), event_name(second), event_name(third)) == ("Newchannel", "Newstate", "")
    assert fields(first) == {"Event": "Newchannel", "CallerIDName": "José", "Uniqueid": "1.1", "AccountCode": ""}
    assert fields(second)["CallerIDName"] == "José"
    assert reply(third) == {"Response": "Success", "ActionID": "7", "Message": "a: b"}


def test_the_first_of_a_repeated_header_counts() -> None:
    assert fields(b"Event: Hangup\r\nUniqueid: real\r\nnonsense\r\nUniqueid: forged") == {
        "Event": "Hangup",
        "Uniqueid": "real",
    }


@given(st.binary(max_size=2_000))
def test_any_bytes_do_no_harm(data: bytes) -> None:
    framer = Framer()
    for message in framer.feed(data + b"\r\n\r\n"):
        event_name(message)
        fields(message)
        reply(message)


@given(st.binary(max_size=50))
def test_every_byte_can_be_read(data: bytes) -> None:
    assert isinstance(decode(data), str)


def test_a_message_without_an_end_is_given_up() -> None:
    framer = Framer()
    list(framer.feed(b"banner\r\n"))
    with pytest.raises(AmiTextError):
        list(framer.feed(b"x" * (1 << 20) + b"y"))
