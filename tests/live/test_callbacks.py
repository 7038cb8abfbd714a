"""Callbacks on a real Asterisk with real phones: asked for by key, the agent told, the customer dialled over the trunk, both heard.

The customer is one softphone that calls in as the trunk does and listens where calls out go, at the trunk's far end.
"""

import asyncio
import os
import signal
import sqlite3
import time
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callhandler.core.plain import Plain

from .hearing import find, silences, tone_seconds
from .lab import SiteUp, free_base, listening, site_running
from .softphone import Baresip, Softphone

pytestmark = pytest.mark.live
CUSTOMER, AGENT = 440.0, 880.0
NUMBER = "+12025550123"
CLOSED = "5095"
GAPS = 0.45
"""How alike what is heard must be to a prompt (1 is the same) that a busy machine may have torn."""
CALLBACKS = """

# --- for the live tests of callbacks
[callbacks]
trunk = "pstn"
caller_number = "+12025550100"
attempts = 1
ring = 10
per_number = 50
message = "sorry-missed"

[prompts.sorry-missed]
text = "We are sorry that we missed you. Please call us again."
"""


def closed_for_days() -> str:
    """A number that is closed today and opens in three days, by whatever clock: some part of that day is two to four days away."""
    day = datetime.now(UTC) + timedelta(days=3)
    return f"""
[numbers.{CLOSED}]
enters = "queue:sales"
hours = "rare"
closed = "callback:sales"

[hours.rare.weekly]
{day:%a} = ["09:00-17:00"]
""".replace(f"{day:%a} =", f"{day:%a} =".lower())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    """A site that calls back."""
    with site_running(tmp_path_factory.mktemp("callbacks") / "site", free_base(), CALLBACKS + closed_for_days()) as up:
        yield up


@asynccontextmanager
async def customer_of(
    site: SiteUp, folder: Path, number: str = NUMBER, speaks: float = 240.0
) -> AsyncIterator[Softphone]:
    """A customer who calls in over the trunk, and is reached over it. On each call they speak for some seconds, then they listen."""
    baresip = Baresip(site.lab.program("baresip"), site.lab.baresip_modules)
    phone = Softphone(baresip, folder, site.base_port + 3, site.server, number, CUSTOMER, speaks=speaks)
    async with phone:
        yield phone


def facts(site: SiteUp, call: str) -> list[str]:
    """The kinds of a call's facts that tell of callbacks and conversations."""
    with closing(sqlite3.connect(site.directory / "var" / "journal.db")) as journal:
        rows = journal.execute("SELECT kind FROM fact WHERE call = ? ORDER BY seq", (call,)).fetchall()
    told = ("Callback", "AgentOffered", "OfferEnded", "CallConnected", "TalkEnded", "CallEnded", "ItemOpened")
    return [kind for (kind,) in rows if kind.startswith(told)]


def detail(site: SiteUp, call: str, kind: str, name: str) -> Plain:
    """A field of a call's last fact of a kind."""
    column = f"coalesce({name}, '')" if name == "reason" else f"json_extract(details, '$.{name}')"
    with closing(sqlite3.connect(site.directory / "var" / "journal.db")) as journal:
        sql = f"SELECT {column} FROM fact WHERE call = ? AND kind = ? ORDER BY seq DESC LIMIT 1"
        row = journal.execute(sql, (call, kind)).fetchone()
    assert row is not None, f"no {kind} of {call}"
    found: Plain = row[0]
    return found


async def eventually(what: str, true: object, seconds: float = 60.0) -> None:
    """Wait until something is so."""
    assert callable(true)
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.05)


async def confirm_the_number(site: SiteUp, customer: Softphone) -> str:
    """Call, go into line, ask by key 1 to be called back, and say yes to the number. Returns the call's id."""
    dialled = time.time()
    await customer.dial("5000")
    await asyncio.sleep(0.7)
    await customer.press("1")  # cuts the greeting
    await asyncio.sleep(0.7)
    await customer.press("1")  # sales
    call = await waiting_call(site, dialled)
    await asyncio.sleep(1.0)
    await customer.press("1")  # be called back
    await asyncio.sleep(1.0)
    await customer.press("1")  # at this number
    await asyncio.sleep(1.0)
    return call


async def ask_to_be_called(site: SiteUp, customer: Softphone) -> str:
    """Call, go into line, ask by key 1 to be called back, and be told goodbye. Returns the call's id."""
    call = await confirm_the_number(site, customer)
    since = len(customer.events)
    await customer.press("1")  # as soon as it is my turn
    await customer.wait_for("CALL_CLOSED", 15, since)
    return call


async def waiting_call(site: SiteUp, since: float) -> str:
    """The id of the call that waits in line."""
    found: list[str] = []

    def waits() -> bool:
        calls = site.ask("calls")
        assert isinstance(calls, list)
        found[:] = [str(call["id"]) for call in calls if isinstance(call, dict) and call["queue"] is not None]
        return bool(found)

    await eventually("the caller is in line", waits)
    return found[0]


async def test_a_whole_callback_heard_both_ways(site: SiteUp, tmp_path: Path) -> None:
    site.ask("agents", "pause", "7001")
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT) as agent,
        customer_of(site, tmp_path / "customer") as customer,
    ):
        with listening(agent) as agents_ear, listening(customer) as customers_ear:
            asked = time.time()
            call = await ask_to_be_called(site, customer)
            await eventually("the place is kept", lambda: facts(site, call)[-1:] == ["CallEnded"])
            assert find(customers_ear.heard(asked, time.time()), site.prompt("std-cb-promise-now"))
            since = len(customer.events)
            site.ask("agents", "resume", "7001")
            await agent.wait_for("CALL_INCOMING")
            picked_up = time.time()
            await agent.answer()
            await agent.wait_for("CALL_ESTABLISHED")
            await asyncio.sleep(4.0)
            assert find(agents_ear.heard(picked_up, time.time()), site.prompt("std-cb-agent"), seconds=0.6)
            accepted = time.time()
            await agent.press("1")
            ringing = await customer.wait_for("CALL_INCOMING", 4, since)
            assert "12025550100" in ringing.peer
            answered = time.time()
            await customer.answer()
            await customer.wait_for("CALL_ESTABLISHED", 3, since)
            await asyncio.sleep(4.0)
            assert find(customers_ear.heard(answered, time.time()), site.prompt("std-cb-hello"))
            assert silences(agents_ear.heard(accepted + 0.5, time.time()), 1.0) == [], "music while the customer rings"
            said_yes = time.time()
            await customer.press("1")
            await asyncio.sleep(3.3)
            talk = customers_ear.heard(said_yes + 0.3, time.time())
            agents_talk = agents_ear.heard(said_yes + 0.3, time.time())
            await agent.hang_up()
            await customer.wait_for("CALL_CLOSED", 3, since)
    assert tone_seconds(talk, AGENT) > 2.4, "the customer hears the agent"
    assert tone_seconds(agents_talk, CUSTOMER) > 2.4, "the agent hears the customer"
    await eventually("it is done", lambda: facts(site, call)[-1:] == ["CallbackEnded"])
    assert facts(site, call) == [
        "CallbackRequested",
        "CallEnded",
        "AgentOffered",
        "CallbackAnnounced",
        "CallbackDialled",
        "CallbackAccepted",
        "CallConnected",
        "TalkEnded",
        "CallbackEnded",
    ]
    assert detail(site, call, "CallbackEnded", "result") == "done"


async def test_who_hangs_up_once_the_number_is_confirmed_is_called_back_in_turn(site: SiteUp, tmp_path: Path) -> None:
    site.ask("agents", "pause", "7001")
    async with site.desk_phone("101", tmp_path / "agent", AGENT), customer_of(site, tmp_path / "customer") as customer:
        call = await confirm_the_number(site, customer)
        await customer.hang_up()
        await eventually("it is asked for", lambda: facts(site, call) == ["CallbackRequested", "CallEnded"])
        assert detail(site, call, "CallbackRequested", "promise") is None
        assert detail(site, call, "CallEnded", "outcome") == "callback"
        assert [one["id"] for one in open_ones(site)] == [call]
        site.ask("callbacks", "cancel", call)


async def test_a_voicemail_never_gets_an_agent(site: SiteUp, tmp_path: Path) -> None:
    """It answers, listens to all that is said, and presses no key: the agent is let go, and the message is left."""
    async with site.desk_phone("101", tmp_path / "agent", AGENT, auto_answer=True) as agent:
        site.ask("agents", "pause", "7001")
        async with customer_of(site, tmp_path / "customer") as customer:
            with listening(agent) as agents_ear, listening(customer) as customers_ear:
                added = site.ask("callbacks", "add", "sales", NUMBER, "--name", "Ann")
                assert isinstance(added, list)
                assert isinstance(added[0], dict)
                call = str(added[0]["id"])
                site.ask("agents", "resume", "7001")
                await agent.wait_for("CALL_ESTABLISHED")
                await asyncio.sleep(2.0)
                await agent.press("1")
                await customer.wait_for("CALL_INCOMING")
                answered = time.time()
                await customer.answer()
                since = len(customer.events)
                await customer.wait_for("CALL_CLOSED", 60, since)
                heard = customers_ear.heard(answered, time.time())
                await agent.wait_for("CALL_CLOSED")
                told = agents_ear.heard(answered, time.time())
    assert len(find(heard, site.prompt("std-cb-hello"))) == 3
    assert len(find(heard, site.prompt("sorry-missed"))) == 1
    assert tone_seconds(told, CUSTOMER) < 0.3, "the agent never hears the voicemail"
    assert len(find(told, site.prompt("std-cb-agent-not-reached"))) == 1
    await eventually("given up", lambda: facts(site, call)[-1:] == ["OfferEnded"])
    assert facts(site, call)[-4:-1] == ["CallbackAttemptEnded", "CallbackEnded", "ItemOpened"]
    assert detail(site, call, "CallbackAttemptEnded", "reason") == "not accepted"
    assert detail(site, call, "OfferEnded", "reason") == "customer not reached"


async def test_a_time_of_the_next_opening_is_promised_while_it_is_closed_and_outlives_the_daemon(
    site: SiteUp, tmp_path: Path
) -> None:
    site.ask("agents", "pause", "7001")
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT) as agent,
        customer_of(site, tmp_path / "customer") as customer,
    ):
        with listening(customer) as ear:
            dialled = time.time()
            await customer.dial(CLOSED)
            await customer.wait_for("CALL_ESTABLISHED")
            await asyncio.sleep(1.5)
            await customer.press("1")  # be called back
            await asyncio.sleep(1.0)
            await customer.press("1")  # at this number
            await asyncio.sleep(4.0)
            await customer.press("1")  # the first time of that day
            await asyncio.sleep(4.5)
            await customer.hang_up()
            whole = ear.heard(dialled, time.time())
        (one,) = open_ones(site)
        call, promise = str(one["id"]), one["promise"]
        assert isinstance(promise, float)
        promised = datetime.fromtimestamp(promise, ZoneInfo(zone_of(site)))
        assert f"{promised:%H:%M}" == "09:15", "from nine on"
        day, said = f"std-cb-day-{promised.isoweekday()}", dialled
        for prompt in ("std-closed", "std-cb-choose", day, "std-cb-promise-on", day):
            said = next((one.at for one in find(whole, site.prompt(prompt), GAPS, 0.6) if one.at > said), 0.0)
            assert said, f"{prompt} was not heard in its turn"

        os.kill(site.daemon_pid(), signal.SIGKILL)
        await eventually("the daemon is back", lambda: is_back(site))
        (after,) = open_ones(site)
        assert (after["state"], after["due"], after["promise"]) == ("waiting for its time", promise - 900.0, promise)
        site.ask("agents", "resume", "7001")
        site.ask("callbacks", "run", call)  # as if its time had come
        await agent.wait_for("CALL_INCOMING")
        site.ask("callbacks", "cancel", call)
        await agent.wait_for("CALL_CLOSED")


def open_ones(site: SiteUp) -> list[dict[str, Plain]]:
    found = site.ask("callbacks", "list")
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]


def is_back(site: SiteUp) -> bool:
    """Whether `up` has told again that the daemon is ready."""
    return (site.directory / "var" / "up.out").read_text(errors="replace").count("The daemon is ready") > 1


def zone_of(site: SiteUp) -> str:
    with (site.directory / "callhandler.toml").open("rb") as file:
        zone = tomllib.load(file)["company"]["time_zone"]
    assert isinstance(zone, str)
    return zone
