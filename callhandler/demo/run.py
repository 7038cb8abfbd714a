"""`callhandler demo` from beginning to end: a system of its own, callers and agents on it, and the two stories compared."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.live import Live

from callhandler.asterisk.pbx.get import ensure_lab
from callhandler.asterisk.pbx.telling import RichTeller
from callhandler.control.client import Client
from callhandler.core.model import Device
from callhandler.demo import show
from callhandler.demo.comparing import Pair, Site, compare
from callhandler.demo.heard import SipCall, sip_calls
from callhandler.demo.menus import queue_reached
from callhandler.demo.place import Ports, folder, free_ports, running, until_registered, write_site
from callhandler.demo.sipp import Sipp
from callhandler.demo.visits import KEYS, Manner, Reaction, Visit, reactions, visits
from callhandler.errors import CallhandlerError
from callhandler.site.loading import LoadedSite
from callhandler.site.plan import plan
from callhandler.store.queries import last_calls
from callhandler.store.records import CallRecord
from callhandler.store.sources import open_source

_TELL_EVERY = 5.0
LONGEST = 170.0
"""Seconds after which a demo that hasn't ended has failed."""


def run(seed: int, directory: Path | None, console: Console) -> list[Pair]:
    """Run the demo and return both sides' stories of every call.

    Raises:
        CallhandlerError: something needed is missing, or did not start.
    """
    teller = RichTeller(console)
    callers = visits(seed)
    with folder(directory) as place:
        ports = free_ports()
        loaded = write_site(place, ports)
        lab = ensure_lab(teller)
        teller.say(f"Starting an Asterisk and a daemon of the demo's own (SIP port {ports.sip})")
        sipp = Sipp(lab.program("sipp"), place / "var" / "sipp", ports.sip)
        with running(loaded) as client, sipp:
            teller.say(f"{len(loaded.site.phones)} agents' phones register")
            _start_phones(sipp, loaded, ports, seed)
            until_registered(client, len(loaded.site.phones), 20)
            teller.say(f"{len(callers)} callers dial over the trunk; seed {seed} makes the same again")
            _start_callers(sipp, ports, callers)
            _watch(client, sipp, loaded, callers, console)
            _until_written(client)
            seen = _seen(sipp, loaded)
            with open_source(loaded.site.daemon.database, loaded.directory) as journal:
                records = last_calls(journal, 10_000)
        pairs = compare(seen, _oldest_first(records), _matching(loaded, seen))
        kinds = {visit.number: visit.kind.value for visit in callers}
        console.print(show.result(pairs, kinds, {id_: agent.name for id_, agent in loaded.site.agents.items()}))
    return pairs


def as_json(pairs: Sequence[Pair]) -> str:
    """The comparison for machines."""
    agree = sum(pair.agrees for pair in pairs)
    calls = [{**asdict(pair), "agrees": pair.agrees} for pair in pairs]
    return json.dumps({"calls": calls, "agree": agree, "differ": len(pairs) - agree}, indent=1, ensure_ascii=False)


def _start_phones(sipp: Sipp, loaded: LoadedSite, ports: Ports, seed: int) -> None:
    """Register every phone from the port on which it then takes calls: Asterisk rings it where its REGISTER came from."""
    phones = list(enumerate(loaded.site.phones.items()))
    for index, (user, phone) in phones:
        login = f"[authentication username={user} password={phone.password.get_secret_value()}]"
        media = ports.phone_media(index)
        sipp.start(f"register-{user}", "register", [(user, login)], ports.phone(index), media, "-m", "1")
    for index, (user, _) in phones:
        sipp.finish(f"register-{user}", 10)
        name = f"phone-{user}"
        # The first line is passed over: see scenarios/agent.xml.j2.
        rows = [_row(count, reaction) for count, reaction in enumerate([_PASSED_OVER, *reactions(seed, user)])]
        sipp.start(
            name, "agent", rows, ports.phone(index), ports.phone_media(index), "-aa", "-infindex", f"{name}.csv", "0"
        )


_PASSED_OVER = Reaction(Manner.ANSWER, 1.0, 1.0)


def _row(count: int, reaction: Reaction) -> tuple[str, ...]:
    return f"{count:.6f}", str(int(reaction.manner)), _milliseconds(reaction.ring), _milliseconds(reaction.talk)


def _start_callers(sipp: Sipp, ports: Ports, callers: Sequence[Visit]) -> None:
    count = str(len(callers))
    rows = [_caller_row(visit) for visit in callers]
    more = ("-m", count, "-l", count, "-r", count, "-timeout", f"{LONGEST:.0f}s")
    sipp.start("callers", "caller", rows, ports.callers, ports.callers_media, *more, keys=KEYS)


def _caller_row(visit: Visit) -> tuple[str, ...]:
    presses = [cell for press in visit.presses for cell in (_milliseconds(press.wait), press.key)]
    none = ["-1", ""] * (KEYS - len(visit.presses))
    return (
        visit.number, visit.name, visit.dialled, _milliseconds(visit.start), *presses, *none, _milliseconds(visit.patience)
    )  # fmt: skip


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _watch(client: Client, sipp: Sipp, loaded: LoadedSite, callers: Sequence[Visit], console: Console) -> None:
    """Show the live view until the last caller has hung up; where there is no terminal, a line now and then."""
    deadline, told = time.monotonic() + LONGEST, time.monotonic()
    process = sipp.running["callers"]
    with Live(console=console, auto_refresh=False, transient=True) as view:
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise CallhandlerError(f"the callers did not end within {LONGEST:.0f} s: {sipp.trouble('callers')}")
            if console.is_terminal:
                seen = _seen(sipp, loaded)
                view.update(show.live(time.time(), client.agents(), client.calls(), seen, len(callers)), refresh=True)
            elif time.monotonic() - told >= _TELL_EVERY:
                told = time.monotonic()
                console.print(show.so_far(_seen(sipp, loaded), len(callers)))
            time.sleep(0.25)


def _until_written(client: Client) -> None:
    """Wait until no call is left, no phone is busy and the journal has all of it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        idle = all(agent.device is not Device.IN_USE for agent in client.agents())
        if idle and not client.calls() and not client.status().journal_backlog:
            return
        time.sleep(0.1)


def _seen(sipp: Sipp, loaded: LoadedSite) -> list[SipCall]:
    return sip_calls(sipp.lines("callers"), {user: list(sipp.lines(f"phone-{user}")) for user in loaded.site.phones})


def _matching(loaded: LoadedSite, seen: Sequence[SipCall]) -> Site:
    site = loaded.site
    reached: Mapping[str, str | None] = {
        call.number: queue_reached(site, call.dialled, [key for _, key in call.keys]) for call in seen
    }
    return Site(
        agent_of={agent.phone: id_ for id_, agent in site.agents.items() if agent.phone is not None},
        queue_named={queue.name: id_ for id_, queue in site.queues.items()},
        reached=reached,
        short_abandon=max(queue.short_abandon for queue in plan(site).queues.values()),
    )


def _oldest_first(records: Sequence[CallRecord]) -> list[CallRecord]:
    return sorted(records, key=lambda record: (record.arrived, record.id))
