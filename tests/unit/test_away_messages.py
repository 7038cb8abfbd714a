"""Messages that Asterisk took while the daemon was away: told of once, whatever the daemon dies in; their names say whose they are."""

import os
from pathlib import Path

import pytest

from callhandler.away_messages import AwayMessages
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.inbox import InboxKeeper
from callhandler.core.model import Outcome, RingEnd
from callhandler.site.loading import load
from callhandler.site.models import Site
from callhandler.site.new import example
from callhandler.site.plan import plan
from tests.unit.core.world import World


@pytest.fixture
def site(tmp_path: Path) -> Site:
    path = tmp_path / "callhandler.toml"
    path.write_text(example(15_000, "Acme", "UTC"), encoding="utf-8")
    (tmp_path / "var" / "messages").mkdir(parents=True)
    return load(path).site


class House:
    """A daemon that has read the journal, and not seen Asterisk yet."""

    def __init__(self, site: Site, folder: Path, journal: list[e.Fact]) -> None:
        self.world = World(plan(site), attach=False)
        self.keeper = InboxKeeper()
        self.world.board.followed_by(self.keeper)
        self.messages = AwayMessages(self.world.board, folder, lambda: site)
        self.messages.restore([fact.file for fact in journal if isinstance(fact, e.MessageLeft)])
        self.world.board.restore(journal, {}, None)
        self.before = list(journal)

    def sees(self, *seen: o.Observation) -> None:
        """Have the daemon see something, as daemon.py does it."""
        for one in seen:
            self.messages.observe(one)
            self.world.board.observe(one)

    @property
    def journal(self) -> list[e.Fact]:
        """All facts, in order."""
        return self.before + self.world.facts


def asterisk(*channels: o.LiveChannel) -> o.LinkUp:
    return o.LinkUp("test", "22.10.1", channels, ())


def speaking(call: str) -> o.LiveChannel:
    return o.LiveChannel(call, f"PJSIP/{call}", None, "callhandler-away", call)


def recorded(folder: Path, name: str, seconds: float, at: float) -> Path:
    """A file as Asterisk leaves it."""
    path = folder / "var" / "messages" / f"{name}.wav"
    path.write_bytes(bytes(44 + round(seconds * 16_000)))
    os.utime(path, (at, at))
    return path


def waiting_call(site: Site, folder: Path) -> tuple[list[e.Fact], str]:
    """Somebody entered the line of sales, and the daemon died."""
    house = House(site, folder, [])
    house.sees(asterisk())
    agent = next(iter(site.agents.values()))
    house.world.board.record(e.AgentLoggedIn(at=house.world.now, agent="7001", phone=agent.phone or "", by="test"))
    house.world.pause("7001")
    call = house.world.enter("sales", number="12025550123")
    assert call.queue == "sales"
    return house.journal, call.id


def told(house: House) -> list[tuple[str, str, str, float]]:
    return [(f.call, f.queue, f.number, f.seconds) for f in house.journal if isinstance(f, e.MessageLeft)]


def outcomes(house: House) -> dict[str, str]:
    return {f.call: f.outcome for f in house.journal if isinstance(f, e.CallEnded)}


def test_a_call_in_line_has_left_a_message(site: Site, tmp_path: Path) -> None:
    journal, call = waiting_call(site, tmp_path)
    recorded(tmp_path, f"{call}_away_5000_12025550123", 6.0, journal[-1].at + 60.0)
    house = House(site, tmp_path, journal)
    house.sees(asterisk())
    assert told(house) == [(call, "sales", "12025550123", 6.0)]
    assert outcomes(house) == {call: Outcome.MESSAGE}
    (left,) = [fact for fact in house.journal if isinstance(fact, e.CallLeftLine)]
    assert (left.outcome, left.waited) == (Outcome.MESSAGE, 60.0)
    (item,) = house.keeper.inbox.items()
    assert (item.kind, item.number, item.files) == (
        "message",
        "12025550123",
        (f"var/messages/{call}_away_5000_12025550123.wav",),
    )


def test_a_call_that_the_daemon_never_knew_is_told_of(site: Site, tmp_path: Path) -> None:
    house = House(site, tmp_path, [])
    recorded(tmp_path, "pbx1-1795286814.7_away_5000_+4930555", 4.0, house.world.now - 100.0)
    house.sees(asterisk())
    (arrived,) = [fact for fact in house.journal if isinstance(fact, e.CallArrived)]
    assert (arrived.call, arrived.number, arrived.caller_number) == ("pbx1-1795286814.7", "5000", "+4930555")
    assert arrived.at == house.world.now - 104.0
    operator = site.company.operator.removeprefix("queue:")
    assert told(house) == [("pbx1-1795286814.7", operator, "+4930555", 4.0)]
    assert outcomes(house) == {"pbx1-1795286814.7": Outcome.MESSAGE}
    assert not house.world.board.calls.here


def test_who_speaks_yet_is_waited_for(site: Site, tmp_path: Path) -> None:
    journal, call = waiting_call(site, tmp_path)
    path = recorded(tmp_path, f"{call}_away_5000_12025550123", 3.0, journal[-1].at + 60.0)
    house = House(site, tmp_path, journal)
    house.sees(asterisk(speaking(call)))
    assert not told(house)
    path.write_bytes(bytes(44 + 8 * 16_000))
    os.utime(path, (house.world.now, house.world.now))
    house.sees(o.ChannelEnded(call, 16, "Normal Clearing"))
    assert told(house) == [(call, "sales", "12025550123", 8.0)]
    assert outcomes(house) == {call: Outcome.MESSAGE}


def test_who_said_nothing_left_no_message(site: Site, tmp_path: Path) -> None:
    journal, call = waiting_call(site, tmp_path)
    path = recorded(tmp_path, f"{call}_away_5000_12025550123", 1.0, journal[-1].at + 60.0)
    house = House(site, tmp_path, journal)
    house.sees(asterisk())
    assert not told(house)
    assert not path.exists()
    assert outcomes(house) == {call: Outcome.LOST}


def test_other_files_and_names_with_more_in_them_are_left_alone(site: Site, tmp_path: Path) -> None:
    house = House(site, tmp_path, [])
    names = ("pbx1-1.2", "pbx1-1.2-2", "x_away_5000_${SHELL(id)}", "x_away_50a0_1", "_away__", "notes")
    for name in names:
        recorded(tmp_path, name, 4.0, house.world.now)
    recorded(tmp_path, "pbx1-1.3_away_5000_1", 4.0, house.world.now - 40 * 86_400.0)
    house.sees(asterisk())
    assert not told(house)
    assert len(list((tmp_path / "var" / "messages").iterdir())) == len(names) + 1


@pytest.mark.parametrize("known", [True, False])
def test_a_crash_at_any_fact_neither_loses_nor_doubles_it(site: Site, tmp_path: Path, known: bool) -> None:
    journal, call = waiting_call(site, tmp_path) if known else ([], "pbx1-1795286814.7")
    at = 1_000_100.0
    recorded(tmp_path, f"{call}_away_5000_12025550123", 6.0, at)
    house = House(site, tmp_path, journal)
    house.sees(asterisk())
    whole = house.journal
    for kept in range(len(journal), len(whole) + 1):
        again = House(site, tmp_path, whole[:kept])
        again.sees(asterisk())
        assert len(told(again)) == 1, kept
        assert outcomes(again) == {call: Outcome.MESSAGE}, kept
        (item,) = again.keeper.inbox.items()
        assert (item.kind, len(item.files)) == ("message", 1), kept
        assert not again.world.board.calls.here
        again.sees(o.LinkDown("gone"), asterisk())
        assert len(told(again)) == 1, kept


def test_whoever_hung_up_unseen_in_the_middle_of_speaking_has_left_a_message_once(site: Site, tmp_path: Path) -> None:
    journal, call = waiting_call(site, tmp_path)
    recorded(tmp_path, call, 4.0, journal[-1].at + 5.0)
    recorded(tmp_path, f"{call}-2", 1.0, journal[-1].at + 8.0)
    for _ in range(2):
        house = House(site, tmp_path, journal)
        house.sees(asterisk())
        journal = house.journal
        assert told(house) == [(call, "sales", "12025550123", 4.0)], "the second take was no message yet"
        assert outcomes(house) == {call: Outcome.MESSAGE}


def here(call: str) -> o.LiveChannel:
    return o.LiveChannel(call, f"PJSIP/{call}", None, "callhandler-entry", call)


@pytest.mark.parametrize("asked_again", [False, True])
def test_asterisk_records_on_and_what_was_said_is_a_message_unless_somebody_recorded_again(
    site: Site, tmp_path: Path, asked_again: bool
) -> None:
    journal, call = waiting_call(site, tmp_path)
    recorded(tmp_path, call, 4.0, journal[-1].at + 5.0)
    house = House(site, tmp_path, journal)
    house.sees(asterisk(here(call)))
    assert told(house) == []
    if asked_again:
        recorded(tmp_path, f"{call}-2", 9.0, journal[-1].at + 30.0)
    house.sees(o.ChannelEnded(call, 16, "Normal Clearing"))
    assert told(house) == ([] if asked_again else [(call, "sales", "12025550123", 4.0)])


def test_after_a_gap_in_the_link_alone_the_session_tells_of_its_message_itself(site: Site, tmp_path: Path) -> None:
    house = House(site, tmp_path, [])
    house.sees(asterisk())
    house.world.login("7001")
    house.world.pause("7001")
    call = house.world.enter("sales", number="12025550123")
    recorded(tmp_path, call.id, 4.0, house.world.now)
    house.sees(o.LinkDown("cut"), asterisk())
    assert told(house) == []


def test_a_link_is_no_message(site: Site, tmp_path: Path) -> None:
    """Asterisk's user may be another than ours. Fails if a link there had a file of ours told of, opened to others or removed."""
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(200_000))
    secret.chmod(0o600)
    link = tmp_path / "var" / "messages" / "pbx1-1.1_away_5000_1.wav"
    link.symlink_to(secret)
    house = House(site, tmp_path, [])
    house.sees(asterisk())
    assert not any(isinstance(fact, e.MessageLeft) for fact in house.journal)
    assert secret.stat().st_mode & 0o777 == 0o600


def test_who_was_kept_ringing_until_asterisk_took_a_message_is_not_let_in_in_the_middle_of_it(
    site: Site, tmp_path: Path
) -> None:
    now = World(plan(site), attach=False).now
    rings = [
        e.CallArrived(
            at=now,
            call="c1",
            channel="PJSIP/c1",
            number="5000",
            caller_number="12025550123",
            caller_name="",
            source="trunk:pstn",
        ),
        e.CallKeptRinging(at=now, call="c1", late=True),
    ]
    house = House(site, tmp_path, rings)
    house.sees(asterisk(speaking("c1")))
    assert not house.world.board.rings("c1")
    recorded(tmp_path, "c1_away_5000_12025550123", 4.0, house.world.now)
    house.sees(o.ChannelEnded("c1", 16, ""))
    assert [fact.reason for fact in house.journal if isinstance(fact, e.CallRang)] == [RingEnd.LONGEST]
    assert [fact.outcome for fact in house.journal if isinstance(fact, e.CallEnded)] == [Outcome.MESSAGE]
