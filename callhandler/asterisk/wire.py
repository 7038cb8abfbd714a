"""Every name on the wire between callhandler and Asterisk: headers, events, actions, AGI commands, contexts, variables.

The dialplan templates use the same names. Must not know what any of it means; `translate.py` does.
"""

from typing import Final

# --- dialplan: contexts and channel variables ---------------------------------------------------------------------------
CONTEXT_ENTRY: Final = "callhandler-entry"
CONTEXT_OFFER: Final = "callhandler-offer"
CONTEXT_SPEAK: Final = "callhandler-speak"
CONTEXT_WORD: Final = "callhandler-word"
CONTEXT_REMINDER: Final = "callhandler-reminder"
CONTEXT_AWAY: Final = "callhandler-away"
CONTEXT_CALLBACK: Final = "callhandler-callback"
CONTEXT_CUSTOMER: Final = "callhandler-customer"
VARIABLE_CALLER: Final = "CH_CALLER"
VARIABLE_LOCK: Final = "CH_LOCK"
VARIABLE_AFTER: Final = "CH_AFTER"
VARIABLE_DONE: Final = "CH_DONE"
VARIABLE_AWAY: Final = "CH_AWAY"
VARIABLE_KEEP: Final = "CH_KEEP"
AWAY_REFUSE: Final = "refuse"
VARIABLE_SPY: Final = "CH_SPY"
VARIABLE_LANGUAGE: Final = "CH_LANGUAGE"
VARIABLE_WORD: Final = "CH_WORD"
VARIABLE_AND: Final = "CH_AND"
VARIABLE_LONGEST: Final = "CH_LONGEST"
PHONE_PREFIX: Final = "PJSIP/"
MESSAGE_PREFIX: Final = "pjsip:"
TRUNK_PREFIX: Final = "trunk-"
SURROGATE_PREFIX: Final = "Surrogate/"
"""What a channel's name begins with that stands in for the one named behind it while that is moved (main/channel.c)."""
ZOMBIE: Final = "<ZOMBIE>"
"""What the name of the rest of a channel ends with that was moved (main/channel.c)."""
SOURCE_TRUNK: Final = "trunk:"
"""What CH_SOURCE begins with for a call that came over a trunk."""
ANSWERED: Final = "Up"
"""CH_STATE, the third argument of a call's AGI requests, of a channel that is answered."""
SCRIPT_CALLBACK: Final = "callback"
"""The path of the AGI requests of callbacks' two sides; a call's is `call`."""
AMD_MACHINE: Final = "MACHINE"
"""AMDSTATUS for what sounds like an answering machine (apps/app_amd.c)."""
HELD_VARIABLE: Final = "CHANNEL(rtp,hold)"
"""1 while the phone at a PJSIP channel has the other side on hold (seen on 22.10.1)."""
CAUSE_WHOLE: Final = 31
CAUSE_UNSPOKEN: Final = 38
"""What callhandler-word hangs up with: all was said; a sound could not be played. Anything else: it was cut."""

# --- AMI: framing and limits (main/manager.c: 1,024 bytes a line, 128 headers a message; ours are below) -------------------
BANNER: Final = "Asterisk Call Manager/"
END_OF_LINE: Final = b"\r\n"
END_OF_MESSAGE: Final = b"\r\n\r\n"
MOST_HEADER_BYTES: Final = 1_000
MOST_HEADERS: Final = 120

# --- AMI: headers ---------------------------------------------------------------------------------------------------------
RESPONSE: Final = "Response"
ACTION_ID: Final = "ActionID"
MESSAGE: Final = "Message"
EVENT_LIST: Final = "EventList"
UNIQUEID: Final = "Uniqueid"
LINKEDID: Final = "Linkedid"
CHANNEL: Final = "Channel"
CHANNEL_STATE: Final = "ChannelState"
CONTEXT: Final = "Context"
CAUSE: Final = "Cause"
CAUSE_TEXT: Final = "Cause-txt"
BRIDGE: Final = "BridgeUniqueid"
STATUS_BRIDGE: Final = "BridgeID"
DEVICE: Final = "Device"
STATE: Final = "State"
RESULT: Final = "Result"
EXTENSION: Final = "Extension"
TRANSFERER: Final = "TransfererUniqueid"
TRANSFEREE: Final = "TransfereeUniqueid"
FIRST_TRANSFERER: Final = "OrigTransfererUniqueid"
TARGET_NUMBER: Final = "TransferTargetCallerIDNum"
SECOND_EXTENSION: Final = "SecondTransfererExten"
VALUE: Final = "Value"
DIGIT: Final = "Digit"
DIRECTION: Final = "Direction"
RECEIVED: Final = "Received"
ASTERISK_VERSION: Final = "AsteriskVersion"
UNKNOWN: Final = "<unknown>"

# --- AMI: events ----------------------------------------------------------------------------------------------------------
FULLY_BOOTED: Final = "FullyBooted"
NEW_CHANNEL: Final = "Newchannel"
NEW_STATE: Final = "Newstate"
HANGUP: Final = "Hangup"
HANGUP_REQUEST: Final = "HangupRequest"
ORIGINATE_RESPONSE: Final = "OriginateResponse"
BRIDGE_ENTER: Final = "BridgeEnter"
BRIDGE_LEAVE: Final = "BridgeLeave"
HOLD: Final = "Hold"
UNHOLD: Final = "Unhold"
DTMF_END: Final = "DTMFEnd"
DEVICE_STATE: Final = "DeviceStateChange"
BLIND_TRANSFER: Final = "BlindTransfer"
ATTENDED_TRANSFER: Final = "AttendedTransfer"
STATUS: Final = "Status"
EVENTS: Final = frozenset(
    {
        FULLY_BOOTED,
        NEW_CHANNEL,
        NEW_STATE,
        HANGUP,
        HANGUP_REQUEST,
        ORIGINATE_RESPONSE,
        BRIDGE_ENTER,
        BRIDGE_LEAVE,
        HOLD,
        UNHOLD,
        DTMF_END,
        DEVICE_STATE,
        BLIND_TRANSFER,
        ATTENDED_TRANSFER,
    }
)
"""The events that are read; every other is passed over before it is parsed."""
FILTERED: Final = EVENTS - {DTMF_END}
"""The events that are let through whole; of keys, a filter of its own lets through only the one that has a meaning."""
EVENT_CLASSES: Final = "call,system,dtmf"
"""What the login asks for. `system` is only for FullyBooted, which says that Asterisk has finished starting."""

# --- AMI: values ----------------------------------------------------------------------------------------------------------
SUCCESS: Final = "Success"
STATE_RINGING: Final = "5"
STATE_UP: Final = "6"

# --- AMI: actions ---------------------------------------------------------------------------------------------------------
LOGIN: Final = "Login"
PING: Final = "Ping"
ORIGINATE: Final = "Originate"
REDIRECT: Final = "Redirect"
MESSAGE_SEND: Final = "MessageSend"
STATUS_ACTION: Final = "Status"
DEVICE_STATE_LIST: Final = "DeviceStateList"
CORE_SETTINGS: Final = "CoreSettings"
GETVAR: Final = "Getvar"
SETVAR: Final = "Setvar"
SYSTEM_NAME: Final = "SYSTEMNAME"
VERSION_FUNCTION: Final = "VERSION()"

# --- FastAGI (res/res_agi.c) ----------------------------------------------------------------------------------------------
AGI_HANGUP: Final = "HANGUP"
AGI_ANSWER: Final = "ANSWER"
AGI_CHANNEL_STATUS: Final = "CHANNEL STATUS"
AGI_EVALUATE: Final = "GET FULL VARIABLE"
AGI_GET_DATA: Final = "GET DATA"
DATA_TIMEOUT: Final = "timeout"
"""What GET DATA's reply says in brackets when silence ended it; without them the last key did, or `#`."""
AGI_HANG_UP: Final = "HANGUP"
AGI_RECORD_FILE: Final = "RECORD FILE"
AGI_SAY_DATETIME: Final = "SAY DATETIME"
AGI_SAY_NUMBER: Final = "SAY NUMBER"
AGI_SET_CONTEXT: Final = "SET CONTEXT"
AGI_SET_EXTENSION: Final = "SET EXTENSION"
AGI_SET_MUSIC: Final = "SET MUSIC"
AGI_SET_PRIORITY: Final = "SET PRIORITY"
AGI_SET_VARIABLE: Final = "SET VARIABLE"
AGI_STREAM_FILE: Final = "STREAM FILE"
AGI_WAIT_FOR_DIGIT: Final = "WAIT FOR DIGIT"
CHANNEL_LANGUAGE: Final = "CHANNEL(language)"
MOST_COMMAND_BYTES: Final = 2_000
"""Asterisk reads a command into a fixed buffer and takes what is beyond it for the next command."""
MOST_ARGUMENTS: Final = 20
