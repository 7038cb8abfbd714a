"""Customers called back before an agent is rung, by a real Asterisk that listens for machines: reached, waiting in vain, a machine.

A person says a short hello and then listens; a machine speaks on for seconds.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .hearing import find, silences, tone_seconds
from .lab import SiteUp, free_base, listening, site_running
from .softphone import Softphone
from .test_callbacks import AGENT, CALLBACKS, CUSTOMER, NUMBER, customer_of, detail, eventually, facts

pytestmark = pytest.mark.live
HELLO, GREETING = 0.5, 5.0
FIRST = """
[waiting]
check_in_at_most = 20
check_in_aim = 12

[prompts.std-cb-nobody-free]
text = "We are sorry that nobody is free after all."
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    """A site that calls customers first."""
    extra = CALLBACKS.replace(
        'trunk = "pstn"\n', 'trunk = "pstn"\nfirst = "customer"\ncustomer_waits = 10\nspacing = 3\namd = true\n'
    )
    with site_running(tmp_path_factory.mktemp("first") / "site", free_base(), extra + FIRST) as up:
        yield up


def add(site: SiteUp) -> str:
    """Have the customer called back; return the call's id."""
    added = site.ask("callbacks", "add", "sales", NUMBER, "--name", "Ann")
    assert isinstance(added, list)
    assert isinstance(added[0], dict)
    return str(added[0]["id"])


def rings(phone: Softphone) -> int:
    """How often a phone has rung so far."""
    return sum(event.kind == "CALL_INCOMING" for event in phone.events)


async def test_the_customer_is_rung_first_says_yes_and_talks(site: SiteUp, tmp_path: Path) -> None:
    site.ask("agents", "pause", "7001")
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT) as agent,
        customer_of(site, tmp_path / "customer", speaks=HELLO) as customer,
    ):
        with listening(agent) as agents_ear, listening(customer) as customers_ear:
            call = add(site)
            site.ask("agents", "resume", "7001")
            await customer.wait_for("CALL_INCOMING")
            assert not rings(agent), "the agent hears nothing of it"
            answered = time.time()
            await customer.answer()
            await asyncio.sleep(6.0)
            hello = find(customers_ear.heard(answered, time.time()), site.prompt("std-cb-hello"))
            assert hello, "a short hello is a person's"
            assert hello[0].at - answered < 4.0, "who hears who calls soon after it"
            assert not rings(agent)
            said_yes = time.time()
            await customer.press("1")
            ringing = await agent.wait_for("CALL_INCOMING")
            assert ringing.name.startswith("Callback Sales")
            await asyncio.sleep(4.0)
            waited = customers_ear.heard(said_yes, time.time())
            assert find(waited, site.prompt("std-cb-connecting"), seconds=1.0)
            picked_up = time.time()
            await agent.answer()
            await asyncio.sleep(3.0)
            talk = customers_ear.heard(picked_up + 0.3, time.time())
            quiet = agents_ear.heard(picked_up + 0.3, time.time())
            await agent.hang_up()
            await customer.wait_for("CALL_CLOSED")
    assert tone_seconds(talk, AGENT) > 2.0, "the customer hears the agent"
    assert tone_seconds(quiet, CUSTOMER) < 0.3, "the customer said their hello before"
    await eventually("it is done", lambda: facts(site, call)[-1:] == ["CallbackEnded"])
    assert facts(site, call)[2:] == [
        "AgentOffered",
        "CallbackDialled",
        "CallbackAccepted",
        "CallConnected",
        "TalkEnded",
        "CallbackEnded",
    ]
    assert detail(site, call, "CallbackEnded", "result") == "done"


async def test_who_waits_in_vain_is_told_and_then_the_agent_is_called_first(site: SiteUp, tmp_path: Path) -> None:
    site.ask("agents", "pause", "7001")
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT) as agent,
        customer_of(site, tmp_path / "customer", speaks=HELLO) as customer,
    ):
        with listening(customer) as ear:
            call = add(site)
            site.ask("agents", "resume", "7001")
            await customer.wait_for("CALL_INCOMING")
            site.ask("agents", "pause", "7001")
            await customer.answer()
            await asyncio.sleep(6.0)
            said_yes = time.time()
            await customer.press("1")
            await customer.wait_for("CALL_CLOSED", 45)
            heard = ear.heard(said_yes + 1.0, time.time() - 0.5)
        sorry = find(heard, site.prompt("std-cb-nobody-free"))
        assert len(sorry) == 1
        assert 9.0 < sorry[0].at - said_yes < 13.0, "as long as the site says"
        assert silences(heard, 1.5) == [], "music, and no silence"
        await eventually("put off", lambda: "CallbackAttemptEnded" in facts(site, call))
        assert detail(site, call, "CallbackAttemptEnded", "reason") == "nobody free"
        site.ask("agents", "resume", "7001")
        await agent.wait_for("CALL_INCOMING")
        assert rings(customer) == 1, "not before the agent has said yes"
        site.ask("callbacks", "cancel", call)
        await agent.wait_for("CALL_CLOSED")


async def test_a_machine_is_known_by_its_greeting_and_gets_the_message_after_it(site: SiteUp, tmp_path: Path) -> None:
    site.ask("agents", "pause", "7001")
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT) as agent,
        customer_of(site, tmp_path / "customer", speaks=GREETING) as customer,
    ):
        with listening(customer) as ear:
            call = add(site)
            site.ask("agents", "resume", "7001")
            await customer.wait_for("CALL_INCOMING")
            answered = time.time()
            await customer.answer()
            await eventually("known", lambda: "CallbackAttemptEnded" in facts(site, call), 6.0)
            assert time.time() - answered < GREETING, "long before the greeting is over"
            await customer.wait_for("CALL_CLOSED")
            heard = ear.heard(answered, time.time())
        assert not rings(agent)
    assert not find(heard, site.prompt("std-cb-hello"))
    (message,) = find(heard, site.prompt("sorry-missed"))
    assert message.at - answered > GREETING + 1.0, "when the greeting is over"
    assert detail(site, call, "CallbackAttemptEnded", "reason") == "machine"
    assert facts(site, call)[-2:] == ["CallbackEnded", "ItemOpened"]
