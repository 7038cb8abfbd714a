"""What callers are and press: numbers to be called, who they say they are in journal, mail and log, keys in a whole conversation."""

import json
import shutil
import sqlite3
import tempfile
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path
from unicodedata import category

from callhandler.asterisk.ami_text import decode as decoded
from callhandler.core import events as e
from callhandler.core.plain import printable
from callhandler.core.plain_facts import fact_from_plain, fact_to_plain
from callhandler.errors import CallerGone, Refused
from callhandler.lookup import same_number
from callhandler.numbers import SiteNumbers
from callhandler.publish.mail import MailPublisher
from callhandler.publish.topics import level
from callhandler.scripts.caller import Recorded
from callhandler.scripts.house import Session
from callhandler.scripts.inbound import inbound
from callhandler.site.loading import LoadedSite, load
from callhandler.site.new import example
from callhandler.site.plan import plan
from callhandler.store.encoding import decode, encode
from tests.fuzz.engine import Target
from tests.fuzz.running import run
from tests.fuzz.values import texts
from tests.unit.core.world import World
from tests.unit.scripts.ladder import HANGS_UP, FakeCaller, FakeHouse

_MORE = """

[callbacks]
trunk = "pstn"
countries = ["US", "DE", "GB"]
refuse = ["+4932"]
[mail]
host = "127.0.0.1"
sender = "callhandler@example.org"
to = "office@example.org"
"""


@cache
def good_site() -> LoadedSite:
    """Return the example site, with callbacks and mail. Its folder is gone again at once: nothing more of it is read."""
    folder = Path(tempfile.mkdtemp(prefix="callhandler-fuzz-"))
    try:
        path = folder / "callhandler.toml"
        path.write_text(example(15_000, "Acme", "UTC") + _MORE, encoding="utf-8")
        return load(path)
    finally:
        shutil.rmtree(folder)


@cache
def numbers() -> SiteNumbers:
    return SiteNumbers(good_site().site)


def number(data: bytes) -> None:
    """A number is called in international form, in a country that is called, or refused in a sentence; judged twice is judged once."""
    text = decoded(data)
    for country in ("DE", "US"):
        same = same_number(text, country)
        assert same == text.strip() or (same[0] == "+" and same[1:].isdigit() and same.isascii()), same
    try:
        judged = numbers().judged(text)
    except Refused as refused:
        assert str(refused)
        assert str(refused).isprintable()
        return
    assert judged[0] == "+"
    assert judged[1:].isascii()
    assert judged[1:].isdigit()
    assert 8 <= len(judged) <= 16
    assert judged.startswith(("+1", "+49", "+44"))
    assert not judged.startswith("+4932")
    assert numbers().judged(judged) == judged


def who(data: bytes) -> None:
    """Who a caller says to be stays one value: in the journal, on the wire to our programs, in topics and logs."""
    name, caller_number = (text[:2_000] for text in texts(data, 2))
    at, call = 1_795_286_814.5, "pbx1-1795286814.7"
    arrived = e.CallArrived(
        at=at, call=call, channel="PJSIP/1", number="5000", caller_number=caller_number, caller_name=name, source=""
    )
    row = encode(arrived, "pbx1")
    assert decode(row) == arrived
    kept = _database().execute("SELECT ?, ?", (row.details, row.call)).fetchone()
    assert kept == (row.details, row.call)
    line = json.dumps(fact_to_plain(arrived))
    assert "\n" not in line
    assert fact_from_plain(json.loads(line)) == arrived
    shown = printable(name)
    assert all(c.isprintable() or category(c) == "Zs" for c in shown)
    assert len(shown.splitlines()) <= 1
    topic = level(name)
    assert not set("/+#\0\r\n") & set(topic)
    assert topic


@cache
def _database() -> sqlite3.Connection:
    return sqlite3.connect(":memory:")


def letter(data: bytes) -> None:
    """A message's mail has the headers it always has, each once, and one text, whoever left it."""
    name, number = texts(data, 2)
    message = e.MessageLeft(
        at=1e9,
        call="pbx1-1.1",
        queue="sales",
        file="var/messages/none.wav",
        seconds=7.0,
        number=number,
        caller_name=name,
    )
    settings = good_site().site.mail
    assert settings is not None
    mail = MailPublisher(settings, lambda: good_site().site, Path("/nonexistent"), lambda _: None, lambda: 0.0)
    sent = message_from_bytes(mail._letter(message, "office@example.org").as_bytes(), policy=policy.default)
    assert sorted(sent.keys()) == _HEADERS, sent.keys()
    assert str(sent["To"]) == "office@example.org"
    assert not sent.is_multipart()
    assert str(sent["Subject"]).lstrip().startswith("Message for Sales from ")


_HEADERS = ["Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"]


class _Presser(FakeCaller):
    """A caller who presses keys without sense: each byte is a key, silence, or hanging up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(*(_REACTIONS[byte % len(_REACTIONS)] for byte in data))

    async def digits(self, *spoken: object, most: int, seconds: float) -> str | None:
        gathered, key = "", None
        while len(gathered) < most and (key := self._reacts("0123456789#")) is not None and key != "#":
            gathered += key
        return gathered if gathered or key == "#" else None

    async def record(self, name: str, *, most: float, silence: float) -> Recorded:
        return Recorded(float(len(self.reactions) % 9), self._reacts("0123456789*#"))


_REACTIONS = (*"0123456789*#", "", "", "1", "0", *"0123456789", *"*#", "", HANGS_UP)
_DIALLED = ("5000", "*60", "*61", "*62", "*63", "101", "7001", "999", "")


def keys(data: bytes) -> None:
    """Whatever is pressed, the conversation goes on, ends in order, or the caller hangs up; every fact fits into the journal."""
    site = good_site().site
    world = World(plan(site))
    world.board.callbacks.guard_by(numbers())
    house = FakeHouse(site, world)
    for one in ("7001", "7002"):
        phone = site.agents[one].phone or ""
        house.free[one] = phone
        world.board.record(e.AgentLoggedIn(at=world.now, agent=one, phone=phone, by="fuzz"))
    dialled = _DIALLED[(data[0] if data else 0) % len(_DIALLED)]
    call = world.call("+12125550100")
    call.number, call.source = dialled, "trunk:pstn" if len(data) % 2 else "phone:101"
    presser = _Presser(data[1:400])
    visit = world.board.begin_visit(call, presser.cut, lambda: None)
    try:
        run(inbound(Session(presser, call, dialled, call.source, house, visit), again=False))  # type: ignore[arg-type]
        assert {"hung up on", "-> callhandler-phone"} & {one.partition(",")[0] for one in presser.heard}, presser.heard[
            -3:
        ]
    except CallerGone:
        pass
    world.board.end_visit(visit)
    assert all(decode(encode(fact, "pbx1")) == fact for fact in world.facts)


_SAID = (
    b"\x1e", b"+49", b"+1", b"0049", b"00", b"011", b"110", b"112", b"911", b"+1900", b"+44870", b"+4932", b"+49900",
    b"5000", b"101", b"7001",
    b" ", b"-", b"(0)", b".", b"/", b";ext=", b"tel:", b";phone-context=", b"x12", b"#", b"*", b"anonymous", b"unknown", b"<sip:x@y>",
    b"\r\nBcc: x@y", b"=?utf-8?q?=0d=0a?=", b"\xd9\xa1\xd9\xa2", b"\xef\xbc\x91", b"pbx1-1795286814.7", b"../", b"..", b"-2",
)  # fmt: skip
_PRESSED = (
    b"\x00",
    b"\x01",
    b"\x02",
    b"\x0c" * 4,
    b"\x0b",
    b"\x0a",
    b"\x07\x00\x00\x01\x0b",
    b"\x01" * 9,
    b"\x09" * 9,
    b"\x23",
)

TARGETS = (
    Target("number", "international form within the countries that are called, or Refused in a sentence; judged twice is judged once",
           number, _SAID, cost=5),
    Target("who", "one value in the journal, JSON, topics and logs; no line or topic of its own", who, _SAID, cost=5),
    Target("letter", "the same headers, once each, and one text, whoever left the message", letter, _SAID, cost=150),
    Target("keys", "a conversation that ends in order; no exception; facts that fit into the journal", keys, _PRESSED, cost=30),
)  # fmt: skip
