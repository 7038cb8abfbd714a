"""An agent with nothing but a desk phone: home, in on another desk, on break and back, each by code and confirmed by voice."""

import asyncio
import time
import tomllib
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.get import ensure_asterisk
from callhandler.asterisk.pbx.telling import Silent

from .ear import Samples, load
from .hearing import find
from .lab import SiteUp, listening
from .softphone import Softphone

pytestmark = pytest.mark.live
LOGIN, LOGOUT, PAUSE, RESUME = "*60", "*61", "*62", "*63"


def asterisks_own(name: str) -> Samples:
    """One of Asterisk's own English phrases."""
    return load(ensure_asterisk(None, Silent()).sounds["en"] / f"{name}.wav")


async def keyed(phone: Softphone, code: str, *asked: tuple[str, str], hears: str) -> None:
    """Dial a code, key in something after each phrase, and hear a last phrase and the end of the call."""
    with listening(phone) as ear:
        before = len(phone.events)
        await phone.dial(code)
        began = time.time()
        for phrase, keys in asked:
            sound = asterisks_own(phrase)
            async with asyncio.timeout(15):
                while not (said := find(ear.heard(began, time.time()), sound)):  # noqa: ASYNC110 - audio tells nobody
                    await asyncio.sleep(0.3)
            began = said[-1].at + 0.5
            await phone.press(keys)
        await phone.wait_for("CALL_CLOSED", 15, before)
        assert find(ear.heard(began, time.time()), asterisks_own(hears)), f"{code}: {hears}"


async def test_codes_log_in_anywhere_pause_and_go_home(site_up: SiteUp, tmp_path: Path) -> None:
    pin = tomllib.loads((site_up.directory / "callhandler.toml").read_text())["agents"]["7002"]["pin"]
    asks = ("agent-user", "7002#"), ("agent-pass", f"{pin}#")
    async with (
        site_up.desk_phone("102", tmp_path / "own", 880.0) as own,
        site_up.desk_phone("104", tmp_path / "other", 660.0) as other,
    ):
        try:
            await keyed(own, LOGOUT, ("agent-user", "#"), hears="agent-loggedoff")
            assert the_agent(site_up)["status"] == "logged out"
            wrong = (
                ("agent-user", "7002#"),
                ("agent-pass", "0#"),
                ("agent-incorrect", "7002#"),
                ("agent-pass", f"{pin}#"),
            )
            await keyed(other, LOGIN, *wrong, hears="agent-loginok")
            assert (the_agent(site_up)["status"], the_agent(site_up)["phone"]) == ("available", "104")
            await keyed(other, PAUSE, ("agent-user", "#"), hears="activated")
            assert the_agent(site_up)["status"] == "on break"
            await keyed(own, RESUME, *asks, hears="de-activated")
            assert the_agent(site_up)["status"] == "available"
        finally:
            site_up.ask("agents", "login", "7002", "--phone", "102")


def the_agent(site: SiteUp) -> dict[str, object]:
    """Agent 7002, as the CLI shows them."""
    agents = site.ask("agents")
    assert isinstance(agents, list)
    return next(dict(one) for one in agents if isinstance(one, dict) and one["id"] == "7002")
