"""Checks of phones and of the agents who sit at them. Pure."""

from callhandler.asterisk import wire
from callhandler.core.model import Device, Status
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import Mode
from callhandler.doctor.verdict import Verdict, ok, some, unknown, warning

_AWAY = ("Unavail", "Unknown", "Removed")


def phones(seen: Evidence) -> Verdict:
    """Every phone of the site is registered and answers."""
    check = "phones"
    wanted = list(seen.loaded.site.phones)
    contacts = seen.console.contacts if seen.console else None
    if contacts is not None:
        missing = [phone for phone in wanted if contacts.get(phone, "Removed") in _AWAY]
    elif seen.ami.devices is not None and seen.ami.devices:
        there = seen.ami.devices
        missing = [
            phone
            for phone in wanted
            if there.get(wire.PHONE_PREFIX + phone, "UNAVAILABLE") in {"UNAVAILABLE", "INVALID"}
        ]
    else:
        return unknown(check, "they could not be asked for", seen.look("pjsip show contacts"))
    if not missing:
        return ok(check, f"all {len(wanted)} are registered" if wanted else "the site has none")
    if seen.mode is Mode.ATTACHED:
        return warning(
            check, f"{some(missing, 12)} not registered", "see the phone's own SIP settings, and pjsip show endpoints"
        )
    return warning(
        check,
        f"{some(missing, 12)} not registered",
        f"type into phone {missing[0]}: server this machine's address, port {seen.loaded.site.asterisk.sip_port}, user {missing[0]}, "
        f"password as under [phones.{missing[0]}] in {seen.loaded.path}",
    )


def agents(seen: Evidence) -> Verdict:
    """Who is logged in sits at a phone that can ring."""
    check = "agents"
    if seen.daemon.status is None:
        return unknown(check, "the daemon doesn't say")
    here = [agent for agent in seen.daemon.agents if agent.status is not Status.LOGGED_OUT]
    lost = [agent for agent in here if agent.phone is None or agent.device is Device.UNREACHABLE]
    if not here:
        return warning(
            check, "nobody is logged in: callers go to their queue's fallback", seen.ours("agents login AGENT")
        )
    if not lost:
        return ok(check, f"all {len(here)} who are logged in can be rung")
    names = [f"{agent.id} at {agent.phone or 'no phone'}" for agent in lost]
    remedy = f"register the phone, or: {seen.ours(f'agents logout {lost[0].id}')}"
    if len(lost) == len(here):
        return warning(check, f"nobody who is logged in can be rung: {some(names)} unreachable", remedy)
    return warning(check, f"{some(names)} logged in and unreachable", remedy)
