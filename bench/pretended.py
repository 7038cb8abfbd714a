"""An Asterisk that has no phones and plays nothing: it speaks AMI and FastAGI to a real daemon in the words of a real one, so that a
hundred thousand calls go through in minutes. Of ten callers, all strangers, seven press 1 and talk with an agent, two give up in line,
and one hangs up in the menu.

It must not know what is measured.
"""

import asyncio
from collections.abc import Iterator
from enum import Enum, auto

from callhandler.asterisk.agi_key import key_of
from callhandler.site.loading import LoadedSite
from tests.edge.fake_asterisk import FakeAmi, Fields, agi_call, event, message

STAYS, LONGEST = 0.1, 30.0
"""Seconds: how long an agent and a caller talk, and how long a caller waits before giving up; and what a call may take besides."""
MENU, LINE = "5000", "5002"


class Kind(Enum):
    """What becomes of a call."""

    ANSWERED = auto()
    GIVEN_UP = auto()
    LEFT_IN_MENU = auto()


MIX = (*[Kind.ANSWERED] * 7, *[Kind.GIVEN_UP] * 2, Kind.LEFT_IN_MENU)


class Pretended:
    """Asterisk's side of one site, whose callers stay for some seconds. `ami` must have been started when the daemon is."""

    def __init__(self, loaded: LoadedSite, stays: float = STAYS) -> None:
        self._stays = stays
        asterisk = loaded.site.asterisk
        self._agi_port, self._key = asterisk.agi_port, key_of(asterisk.ami_secret.get_secret_value())
        devices = {f"PJSIP/{phone}": "NOT_INUSE" for phone in loaded.site.phones}
        self.ami = FakeAmi(devices=devices, answers={"Originate": self._ring, "Login": _let_in}, port=asterisk.ami_port)
        self._answered: dict[str, asyncio.Future[tuple[str, str]]] = {}
        self._count = 0

    async def run(self, calls: int, at_once: int) -> None:
        """Have so many calls come and go, `at_once` of them here at one time. Raises TimeoutError when one isn't over in time."""
        kinds = (MIX[number % len(MIX)] for number in range(calls))
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._callers(kinds))

    async def _callers(self, kinds: Iterator[Kind]) -> None:
        for kind in kinds:
            self._count += 1
            async with asyncio.timeout(self._stays + LONGEST):
                await self._call(self._count, kind)
            self.ami.actions.clear()
            self.ami.raw.clear()

    async def _call(self, number: int, kind: Kind) -> None:
        call, channel = f"bench-{1_700_000_000 + number}.{number}", f"PJSIP/trunk-pstn-{number:08x}"
        answered = self._answered[channel] = asyncio.get_running_loop().create_future()
        self.ami.send(_event("Newchannel", channel, call, ChannelState=0))
        agi = await agi_call(self._agi_port, self._asks(number, kind, call, channel))
        leg = None
        while (command := await agi.command(self._stays + LONGEST)) and leg is None:
            match command.split(b" ", 2)[0]:
                case b"STREAM" if kind is Kind.LEFT_IN_MENU:
                    break
                case b"STREAM" if kind is Kind.ANSWERED:
                    agi.send(b"200 result=49 endpos=4000\n")
                case b"ANSWER":
                    self.ami.send(_event("Newstate", channel, call, ChannelState=6))
                    agi.send(b"200 result=0\n")
                case b"WAIT" if kind is Kind.ANSWERED:
                    leg = await answered
                    break
                case b"WAIT":
                    await asyncio.sleep(self._stays)
                    break
                case _:
                    agi.send(b"200 result=0\n")
        agi.send(b"HANGUP\n")
        await agi.close()
        if leg is not None:
            await self._talk(call, channel, *leg)
        self.ami.send(_event("Hangup", channel, call, Cause=16, Cause_txt="Normal Clearing"))
        del self._answered[channel]

    async def _talk(self, call: str, channel: str, leg: str, phone: str) -> None:
        """A conversation: both sides in one bridge, the phone hangs up."""
        bridge, sides = {"BridgeUniqueid": f"bridge-{leg}"}, ((f"{phone}-{leg}", leg), (channel, call))
        self.ami.send(b"".join(_event("BridgeEnter", *side, **bridge) for side in sides) + _device(phone, "INUSE"))
        await asyncio.sleep(self._stays)
        self.ami.send(
            b"".join(_event("BridgeLeave", *side, **bridge) for side in sides)
            + event("BridgeDestroy", **bridge)
            + _event("Hangup", *sides[0], Cause=16, Cause_txt="Normal Clearing", Context="callhandler-offer")
            + _device(phone, "NOT_INUSE")
        )

    def _ring(self, asked: Fields) -> bytes:
        """A phone is rung, and answered at once."""
        leg, phone = asked["ChannelId"], asked["Channel"]
        caller = asked["Variable"].removeprefix("CH_CALLER=")  # the last of them
        waiting = self._answered.get(caller)
        if waiting is not None and not waiting.done():
            asyncio.get_running_loop().call_soon(waiting.set_result, (leg, phone))
        side = (f"{phone}-{leg}", leg)
        good = message(Response="Success", ActionID=asked.get("ActionID", ""), Message="Originate successfully queued")
        return (
            good
            + _event("Newchannel", *side, ChannelState=0)
            + _device(phone, "RINGING")
            + b"".join(_event("Newstate", *side, ChannelState=state) for state in (5, 6))
            + event("OriginateResponse", Response="Success", Channel=side[0], Reason=4, Uniqueid=leg)
        )

    def _asks(self, number: int, kind: Kind, call: str, channel: str) -> bytes:
        """What Asterisk says when a call enters AGI (res/res_agi.c, setup_env)."""
        dialled = LINE if kind is Kind.GIVEN_UP else MENU
        said = {
            "network": "yes", "network_script": "call", "request": "agi://127.0.0.1/call",
            "channel": channel, "language": "en", "type": "PJSIP", "uniqueid": call, "version": "22.10.1",
            "callerid": f"49301{number:07}", "calleridname": "unknown", "callingpres": "0", "dnid": dialled,
            "context": "callhandler-entry", "extension": "s", "priority": "3", "enhanced": "0.0", "accountcode": "",
            "arg_1": dialled, "arg_2": "trunk:pstn", "arg_3": "", "arg_4": self._key,
        }  # fmt: skip
        return "".join(f"agi_{name}: {value}\n" for name, value in said.items()).encode() + b"\n"


def _let_in(asked: Fields) -> bytes:
    good = message(Response="Success", ActionID=asked.get("ActionID", ""), Message="Authentication accepted")
    return good + event("FullyBooted", Status="Fully Booted")


def _event(name: str, channel: str, uniqueid: str, **more: object) -> bytes:
    """An event about a channel, with the headers that Asterisk puts into each."""
    snapshot = {
        "Channel": channel, "ChannelState": 6, "ChannelStateDesc": "Up", "CallerIDNum": "<unknown>",
        "CallerIDName": "<unknown>", "ConnectedLineNum": "<unknown>", "ConnectedLineName": "<unknown>", "Language": "en",
        "AccountCode": "", "Context": "callhandler-entry", "Exten": "s", "Priority": 1, "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
    }  # fmt: skip
    return event(name, **(snapshot | more))


def _device(phone: str, state: str) -> bytes:
    return event("DeviceStateChange", Device=phone, State=state)
