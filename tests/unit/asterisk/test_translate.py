"""AMI's events into observations: what a real Asterisk 22 said, and pasted histories."""

from pathlib import Path

import pytest

from callhandler.asterisk.ami_text import Framer, event_name, fields
from callhandler.asterisk.meanings import live_channel
from callhandler.asterisk.translate import Translator
from callhandler.core.model import Device, OfferEnd, WordEnd
from callhandler.core.observed import (
    Bridged,
    ChannelEnded,
    ChannelUp,
    HoldSeen,
    KeySeen,
    LeftBridge,
    LinkUp,
    LiveChannel,
    Observation,
    OfferFailed,
    PhoneSeen,
    TransferSeen,
    WordOver,
)

RECORDINGS = Path(__file__).parents[2] / "recordings"

OFFERS = {
    "486": OfferEnd.BUSY,
    "180-486": OfferEnd.REFUSED,
    "600": OfferEnd.BUSY,
    "603": OfferEnd.REFUSED,
    "180-603": OfferEnd.REFUSED,
    "403": OfferEnd.REFUSED,
    "404": OfferEnd.UNREACHABLE,
    "180-404": OfferEnd.UNREACHABLE,
    "480": OfferEnd.UNREACHABLE,
    "180-480": OfferEnd.NO_ANSWER,
    "408": OfferEnd.UNREACHABLE,
    "180-408": OfferEnd.NO_ANSWER,
    "488": OfferEnd.UNREACHABLE,
    "500": OfferEnd.UNREACHABLE,
    "503": OfferEnd.UNREACHABLE,
    "302": OfferEnd.UNREACHABLE,
    "180-timeout": OfferEnd.NO_ANSWER,
    "silent": OfferEnd.UNREACHABLE,
    "unregistered": OfferEnd.UNREACHABLE,
    "unknown": OfferEnd.UNREACHABLE,
}


def translated(translator: Translator, text: bytes) -> list[Observation]:
    """All that a stream of events tells."""
    framer = Framer()
    framer.banner = ""
    found: list[Observation] = []
    for message in framer.feed(text):
        found += translator.event(event_name(message), fields(message))
    return found


def events(*lines: str) -> bytes:
    """Events from lines such as `Hangup Uniqueid=a Cause=16`."""
    text = ""
    for line in lines:
        name, *pairs = line.split()
        text += "\r\n".join([f"Event: {name}", *(pair.replace("=", ": ", 1) for pair in pairs)]) + "\r\n\r\n"
    return text.encode()


def recorded(name: str) -> bytes:
    return (RECORDINGS / name).read_bytes().partition(b"\r\n")[2]


@pytest.mark.parametrize("recording", ["offers.ami", "offers-16.ami"], ids=["22.10.1", "16.28.0"])
@pytest.mark.parametrize(("answer", "end"), OFFERS.items())
def test_what_a_phone_answers_is_how_the_offer_ends(answer: str, end: OfferEnd, recording: str) -> None:
    translator = Translator()
    leg = f"offer-{answer}"
    translator.offered(leg)
    seen = [one for one in translated(translator, recorded(recording)) if leg in repr(one)]
    assert seen == [OfferFailed(leg, end)]
    assert not translator.pending(leg)


def test_an_answered_leg_comes_up_and_ends() -> None:
    translator = Translator()
    translator.offered("offer-answered")
    seen = [one for one in translated(translator, recorded("offers.ami")) if "answered" in repr(one)]
    assert seen == [ChannelUp("offer-answered"), ChannelEnded("offer-answered", 16, "Normal Clearing")]


def test_a_second_originate_with_the_id_of_a_ringing_leg_ends_nothing() -> None:
    translator = Translator()
    translator.offered("coll")
    seen = [one for one in translated(translator, recorded("offers.ami")) if "coll" in repr(one)]
    assert seen == [OfferFailed("coll", OfferEnd.NO_ANSWER)]  # at its Hangup (cause 0: it rang until then), not before


def test_the_end_of_the_time_to_ring_on_asterisk_16() -> None:
    """Seen on 16.28: no cause, and Reason 3 before or after it (22 gives cause 19)."""
    ends = "Hangup Uniqueid=l Cause=0 Cause-txt=Unknown", "OriginateResponse Uniqueid=l Response=Failure Reason=3"
    for first, second in (ends, ends[::-1]):
        translator = Translator()
        translator.offered("l")
        rings = events("Newchannel Uniqueid=l", "Newstate Uniqueid=l ChannelState=5")
        assert translated(translator, rings + events(first, second)) == [OfferFailed("l", OfferEnd.NO_ANSWER)]
    translator.offered("l")
    assert translated(translator, events("Newchannel Uniqueid=l", ends[0])) == [OfferFailed("l", OfferEnd.UNREACHABLE)]


def test_a_leg_we_cancelled_was_refused_by_nobody() -> None:
    translator = Translator()
    translator.offered("l")
    translator.cancelled("l")
    text = events(
        "Newchannel Uniqueid=l", "Newstate Uniqueid=l ChannelState=5", "Hangup Uniqueid=l Cause=0 Cause-txt=Unknown"
    )
    assert translated(translator, text) == [ChannelEnded("l", 0, "Unknown")]
    translator.offered("m")
    translator.cancelled("m")
    text = events("OriginateResponse Uniqueid=m Response=Failure Reason=0")
    assert translated(translator, text) == [OfferFailed("m", OfferEnd.CALLER_LEFT)]


def test_two_in_a_bridge_talk() -> None:
    text = events(
        "BridgeEnter BridgeUniqueid=b Uniqueid=caller",
        "BridgeEnter BridgeUniqueid=b Uniqueid=leg",
        "Hold Uniqueid=leg",
        "Unhold Uniqueid=leg",
        "BridgeEnter BridgeUniqueid=b Uniqueid=third",
        "BridgeLeave BridgeUniqueid=b Uniqueid=leg",
        "BridgeLeave BridgeUniqueid=b Uniqueid=never-seen-entering",
        "BridgeLeave BridgeUniqueid=b Uniqueid=caller",
        "BridgeLeave BridgeUniqueid=b Uniqueid=third",
        "BridgeEnter BridgeUniqueid=b Uniqueid=leg",
    )
    assert translated(Translator(), text) == [
        Bridged("b", frozenset({"caller", "leg"})),
        HoldSeen("leg", True),
        HoldSeen("leg", False),
        Bridged("b", frozenset({"caller", "leg", "third"})),
        LeftBridge("b", "leg"),
        LeftBridge("b", "never-seen-entering"),
        LeftBridge("b", "caller"),
        LeftBridge("b", "third"),
    ]


@pytest.mark.parametrize(
    ("state", "device"),
    [
        ("NOT_INUSE", Device.FREE),
        ("UNKNOWN", Device.FREE),
        ("INUSE", Device.IN_USE),
        ("ONHOLD", Device.IN_USE),
        ("RINGING", Device.RINGING),
        ("RINGINUSE", Device.IN_USE),
        ("UNAVAILABLE", Device.UNREACHABLE),
        ("INVALID", Device.UNREACHABLE),
        ("SOMETHING_NEW", Device.UNREACHABLE),
    ],
)
def test_what_asterisk_says_of_a_phone(state: str, device: Device) -> None:
    text = events(f"DeviceStateChange Device=PJSIP/101 State={state}", "DeviceStateChange Device=Custom:x State=INUSE")
    assert translated(Translator(), text) == [PhoneSeen("101", device)]


def test_a_blind_transfer_is_seen_before_the_bridge_is_left() -> None:
    translator = Translator()
    translated(
        translator,
        events(
            "BridgeEnter BridgeUniqueid=bridge-1 Uniqueid=leg", "BridgeEnter BridgeUniqueid=bridge-1 Uniqueid=caller"
        ),
    )
    assert translated(translator, recorded("blind-transfer.ami")) == [
        TransferSeen("leg", "caller", "901"),
        LeftBridge("bridge-1", "leg"),
        LeftBridge("bridge-1", "caller"),
        ChannelEnded("leg", 16, "Normal Clearing"),
        Bridged("bridge-2", frozenset({"caller", "colleague"})),
    ]


def test_an_attended_transfer_moves_the_caller_before_it_is_seen() -> None:
    translator = Translator()
    translated(
        translator,
        events(
            "BridgeEnter BridgeUniqueid=bridge-2 Uniqueid=leg", "BridgeEnter BridgeUniqueid=bridge-2 Uniqueid=caller"
        ),
    )
    assert translated(translator, recorded("attended-transfer.ami")) == [
        Bridged("bridge-1", frozenset({"consult", "colleague"})),
        LeftBridge("bridge-2", "caller"),
        LeftBridge("bridge-1", "consult"),
        Bridged("bridge-1", frozenset({"caller", "colleague"})),
        TransferSeen("leg", "caller", "901"),
        LeftBridge("bridge-2", "leg"),
        ChannelEnded("leg", 16, "Normal Clearing"),
        ChannelEnded("consult", 16, "Normal Clearing"),
    ]


def test_transfers_that_were_carried_out_are_seen() -> None:
    text = events(
        "BlindTransfer Result=Success TransfererUniqueid=leg TransfereeUniqueid=caller Extension=102",
        "BlindTransfer Result=Fail TransfererUniqueid=leg TransfereeUniqueid=caller Extension=102",
        "BlindTransfer Result=Success TransfererUniqueid=leg Extension=102",
        "AttendedTransfer Result=Success OrigTransfererUniqueid=leg TransfereeUniqueid=caller TransferTargetCallerIDNum=103",
        "AttendedTransfer Result=Success OrigTransfererUniqueid=leg TransfereeUniqueid=caller "
        "TransferTargetCallerIDNum=<unknown> SecondTransfererExten=104",
        "AttendedTransfer Result=Invalid OrigTransfererUniqueid=leg TransfereeUniqueid=caller",
    )
    assert translated(Translator(), text) == [TransferSeen("leg", "caller", to) for to in ("102", "103", "104")]


def test_events_that_lack_or_garble_what_they_should_have_tell_nothing() -> None:
    text = events(
        "Hangup Uniqueid=a",
        "Hangup Uniqueid=a Cause=x",
        "Newstate Uniqueid=a",
        "Hold X=1",
        "Newexten Uniqueid=a",
        "Nonsense",
    )
    assert translated(Translator(), text) == []


def test_after_a_gap_bridges_are_known_and_lost_legs_said() -> None:
    translator = Translator()
    for leg in ("ringing", "answered", "gone", "cancelled"):
        translator.offered(leg)
    translator.cancelled("cancelled")
    channels = tuple(
        LiveChannel(c, c, "b" if c == "caller" else None, "", "")
        for c in ("ringing", "answered", "caller", "cancelled")
    )
    states = {"ringing": "5", "answered": "6", "caller": "6", "cancelled": "0"}
    assert translator.snapshot(LinkUp("pbx1", "22.10.1", channels, ()), states) == (OfferFailed("gone", OfferEnd.LOST),)
    text = events(
        "Hangup Uniqueid=ringing Cause=17",
        "Hangup Uniqueid=answered Cause=16",
        "Hangup Uniqueid=cancelled Cause=0",
        "BridgeEnter BridgeUniqueid=b Uniqueid=leg",
    )
    assert translated(translator, text) == [
        OfferFailed("ringing", OfferEnd.REFUSED),
        ChannelEnded("answered", 16, ""),
        ChannelEnded("cancelled", 0, ""),
        Bridged("b", frozenset({"caller", "leg"})),
    ]


def test_a_status_row_is_a_live_channel() -> None:
    row = {"Uniqueid": "u", "Channel": "PJSIP/101-1", "BridgeID": "", "Context": "c", "Linkedid": "l"}
    assert live_channel(row) == LiveChannel("u", "PJSIP/101-1", None, "c", "l", phone="101")


def test_a_key_is_told_once_by_the_channel_where_it_was_pressed() -> None:
    translator = Translator()
    pressed = {"Uniqueid": "pbx1-1.1", "Digit": "1", "Direction": "Received"}
    assert translator.event("DTMFEnd", pressed) == (KeySeen("pbx1-1.1", "1"),)
    assert translator.event("DTMFEnd", pressed | {"Uniqueid": "pbx1-1.1-o1", "Direction": "Sent"}) == ()


@pytest.mark.parametrize(
    ("cause", "end"), [("31", WordEnd.WHOLE), ("38", WordEnd.FAILED), ("0", WordEnd.CUT), ("16", WordEnd.CUT)]
)
def test_how_a_word_ended_is_told_by_the_cause_with_which_its_channel_hangs_up(cause: str, end: WordEnd) -> None:
    fields = {"Uniqueid": "pbx1-1.1-w5", "Cause": cause, "Context": "callhandler-word"}
    assert Translator().event("Hangup", fields) == (WordOver("pbx1-1.1-w5", end),)


def test_a_phone_that_talks_at_a_gap_is_free_when_its_channel_ends_before_its_state_is_told() -> None:
    translator = Translator()
    channel = LiveChannel("1", "PJSIP/101-00000001", None, "", "")
    translator.snapshot(LinkUp("pbx1", "22.10.1", (channel,), (PhoneSeen("101", Device.IN_USE),)), {"1": "6"})
    assert translated(translator, events("Hangup Uniqueid=1 Channel=PJSIP/101-00000001 Cause=16")) == [
        ChannelEnded("1", 16, ""),
        PhoneSeen("101", Device.FREE),
    ]
