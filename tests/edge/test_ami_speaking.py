"""What is said to Asterisk beside a conversation: words, brief rings, the way back to the line; and who is found to be on hold."""

from base64 import b64decode

from structlog.testing import capture_logs

from callhandler.core.model import WordEnd
from callhandler.core.observed import LinkUp, WordOver
from callhandler.core.ports import BriefCall, SpokenWord
from tests.edge.fake_asterisk import FakeAmi, Fields, fake_ami, message
from tests.edge.linked import Watch, linked, up

WORD = SpokenWord("pbx1-1.1-w5", "pbx1-1.1", "en", ("std-held", "std-held-key"))


def lines(fake: FakeAmi, action: str) -> list[str]:
    """The last action of a name as it was sent, without its number."""
    text = fake.raw[fake.raw.rindex(f"Action: {action}".encode()) :].decode()
    return [line for line in text.partition("\r\n\r\n")[0].split("\r\n") if not line.startswith("ActionID")]


async def test_a_word_whispers_on_one_side_and_plays_on_the_other() -> None:
    async with fake_ami() as fake, up(fake) as (ami, _):
        ami.speak_to(WORD)
        await fake.until(lambda: fake.sent("Originate"))
        assert lines(fake, "Originate") == [
            "Action: Originate",
            "Channel: Local/s@callhandler-speak/n",
            "Context: callhandler-word",
            "Exten: s",
            "Priority: 1",
            "Async: true",
            "ChannelId: pbx1-1.1-w5",
            "Timeout: 2000",
            "Variable: CH_SPY=pbx1-1.1",
            "Variable: CH_LANGUAGE=en",
            "Variable: CH_WORD=std-held",
            "Variable: CH_AND=std-held-key",
        ]


async def test_a_brief_ring_shows_what_it_is_about() -> None:
    async with fake_ami() as fake, up(fake) as (ami, _):
        ami.ring_briefly(
            BriefCall("r", "101", 8.0, 'ON HOLD 0:45 "Jo"\r\nAction: Logoff', "+4930", "de", "std-hold-reminder")
        )
        await fake.until(lambda: fake.sent("Originate"))
        assert lines(fake, "Originate")[1:] == [
            "Channel: PJSIP/101",
            "Context: callhandler-reminder",
            "Exten: s",
            "Priority: 1",
            "Async: true",
            "ChannelId: r",
            "Timeout: 8000",
            'CallerID: "ON HOLD 0:45 JoAction: Logoff" <+4930>',
            "Variable: CH_LANGUAGE=de",
            "Variable: CH_WORD=std-hold-reminder",
        ]
        await fake.until(lambda: fake.sent("MessageSend"))
        to, sender, body = lines(fake, "MessageSend")[1:]
        assert (to, sender) == ("To: pjsip:101", "From: callhandler")
        assert b64decode(body.removeprefix("Base64Body: ")).decode() == "ON HOLD 0:45 JoAction: Logoff"


async def test_a_text_that_is_refused_changes_nothing() -> None:
    def refuse(fields: Fields) -> bytes:
        return message(Response="Error", ActionID=fields["ActionID"], Message="Permission denied")

    async with fake_ami(answers={"MessageSend": refuse}) as fake, up(fake) as (ami, watch):
        before = len(watch.seen)
        with capture_logs() as logs:
            for leg in ("r1", "r2"):
                ami.ring_briefly(BriefCall(leg, "101", 8.0, "ON HOLD 0:45", "+4930", "de", "std-hold-reminder"))
            await fake.until(lambda: len(logs) == 2)
        assert {one["log_level"] for one in logs} == {"debug"}
        assert len(fake.sent("Originate")) == 2
        assert len(watch.seen) == before


async def test_a_caller_is_sent_back_to_where_calls_enter() -> None:
    async with fake_ami() as fake, up(fake) as (ami, _):
        ami.send_to_line("pbx1-1.1")
        await fake.until(lambda: fake.sent("Redirect"))
        assert lines(fake, "Redirect")[1:] == [
            "Channel: pbx1-1.1",
            "Context: callhandler-entry",
            "Exten: s",
            "Priority: 1",
        ]


async def test_a_word_that_is_refused_or_cannot_be_said_has_failed() -> None:
    def refuse(fields: Fields) -> bytes:
        return message(Response="Error", ActionID=fields["ActionID"], Message="Originate Access Forbidden")

    async with fake_ami(answers={"Originate": refuse}) as fake, up(fake) as (ami, watch):
        ami.speak_to(WORD)
        await watch.until(lambda: watch.count(WordOver) == 1)
        ami.speak_to(SpokenWord("w2", "pbx1-1.1", "en", ("no,such&prompt",)))
        ami.speak_to(SpokenWord("w3", "pbx1-1.1", "en", ("a", "b", "c")))
        await watch.until(lambda: watch.count(WordOver) == 3)
        assert watch.seen[1:] == [WordOver(leg, WordEnd.FAILED) for leg in (WORD.leg, "w2", "w3")]
        assert len(fake.sent("Originate")) == 1


async def test_a_word_without_a_link_has_failed() -> None:
    async with fake_ami() as fake:
        await fake.stop()
        watch = Watch()
        async with linked(fake, watch) as ami:
            ami.speak_to(WORD)
            await watch.until(lambda: watch.count(WordOver))
            assert watch.seen == [WordOver(WORD.leg, WordEnd.FAILED)]


async def test_the_snapshot_tells_which_phones_hold_their_callers() -> None:
    def leg(uniqueid: str, context: str = "callhandler-offer", bridge: str = "b") -> Fields:
        return {
            "Channel": f"PJSIP/{uniqueid}",
            "ChannelState": "6",
            "Context": context,
            "Uniqueid": uniqueid,
            "BridgeID": bridge,
        }

    values = {"PJSIP/holds": "1", "PJSIP/talks": "0", "PJSIP/untold": ""}

    def value(fields: Fields) -> bytes:
        held = values[fields["Channel"]] if fields["Variable"] == "CHANNEL(rtp,hold)" else "pbx1"
        return message(Response="Success", ActionID=fields["ActionID"], Variable=fields["Variable"], Value=held)

    legs = [leg("holds"), leg("talks"), leg("untold"), leg("caller", "callhandler-entry"), leg("alone", bridge="")]
    async with fake_ami(channels=legs, answers={"Getvar": value}) as fake, up(fake) as (_, watch):
        found = next(seen for seen in watch.seen if isinstance(seen, LinkUp))
        held = {channel.channel: channel.held for channel in found.channels}
        assert held == {"holds": True, "talks": False, "untold": None, "caller": None, "alone": None}
