"""The AMI actions around a conversation: say something into it, ring a phone briefly or send it a text, send a caller back to where calls
enter. Pure.

Saying something is a Local channel: its one side whispers to the caller (ChanSpy, context callhandler-speak), its other side plays the
prompts (callhandler-word). The conversation's bridge is left alone, so nothing that goes wrong here can part the two. Heard on
22.10.1 over the music on hold 10 ms after the action, as long as `bridge_native_rtp` is not loaded.
"""

from base64 import b64encode

from callhandler.asterisk import quoting, wire
from callhandler.asterisk.ami_link import Headers
from callhandler.core.ports import BriefCall, SpokenWord

_ANSWER_WITHIN = 2_000
"""Milliseconds in which the whispering side must be there; it takes 2."""


def spoken(word: SpokenWord) -> Headers:
    """Return the headers of the Originate that says something. Raises Unquotable, ValueError for more than two prompts or none."""
    prompt, *more = word.prompts
    if len(more) > 1:
        raise ValueError("at most two prompts are said at a time")
    return {
        wire.CHANNEL: f"Local/s@{wire.CONTEXT_SPEAK}/n",
        wire.CONTEXT: wire.CONTEXT_WORD,
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "ChannelId": quoting.identifier(word.leg),
        "Timeout": str(_ANSWER_WITHIN),
        "Variable": [
            f"{wire.VARIABLE_SPY}={quoting.identifier(word.channel)}",
            f"{wire.VARIABLE_LANGUAGE}={quoting.identifier(word.language)}",
            f"{wire.VARIABLE_WORD}={quoting.identifier(prompt)}",
            f"{wire.VARIABLE_AND}={quoting.identifier(more[0]) if more else ''}",
        ],
    }


def rung_briefly(call: BriefCall) -> Headers:
    """Return the headers of the Originate that rings a phone to tell something. Raises Unquotable."""
    return {
        wire.CHANNEL: wire.PHONE_PREFIX + quoting.identifier(call.phone),
        wire.CONTEXT: wire.CONTEXT_REMINDER,
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "ChannelId": quoting.identifier(call.leg),
        "Timeout": str(round(call.ring * 1_000)),
        "CallerID": quoting.caller_id(call.display_name, call.display_number),
        "Variable": [
            f"{wire.VARIABLE_LANGUAGE}={quoting.identifier(call.language)}",
            f"{wire.VARIABLE_WORD}={quoting.identifier(call.prompt)}",
        ],
    }


def texted(call: BriefCall) -> Headers:
    """Return the headers of the MessageSend that shows the same as a SIP MESSAGE. Raises Unquotable.

    `To` alone is what every Asterisk from 16.0 on takes; `Destination` came later (main/message.c).
    """
    return {
        "To": wire.MESSAGE_PREFIX + quoting.identifier(call.phone),
        "From": "callhandler",
        "Base64Body": b64encode(quoting.display_name(call.display_name).encode()).decode(),
    }


def sent_to_line(channel: str) -> Headers:
    """Return the headers of the Redirect that brings a caller back to where calls enter. Raises Unquotable."""
    return {
        wire.CHANNEL: quoting.channel_name(channel),
        wire.CONTEXT: wire.CONTEXT_ENTRY,
        "Exten": "s",
        "Priority": "1",
    }
