"""Checks of phones and of the agents who sit at them. Pure."""

from callhandler.asterisk import wire
from callhandler.core.model import Device, Status
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import Mode
from callhandler.doctor.verdict import Verdict, ok, some, unknown, warning

_AWAY = ("Unavail", "Unknown", "Removed")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on


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
    place = seen.loaded.site.asterisk
    server = "this machine's address" if place.sip_address in _EVERYWHERE else place.sip_address
    return warning(
        check,
        f"{some(missing, 12)} not registered",
        f"type into phone {missing[0]}: server {server}, port {place.sip_port}, user {missing[0]}, "
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
        return warning(check, "nobody is logged in: callers go to their queue's fallback", _login(seen))
    if not lost:
        return ok(check, f"all {len(here)} who are logged in can be rung")
    names = [f"{agent.id} at {agent.phone or 'no phone'}" for agent in lost]
    remedy = f"register the phone, or: {seen.ours(f'agents logout {lost[0].id}')}"
    if len(lost) == len(here):
        return warning(check, f"nobody who is logged in can be rung: {some(names)} unreachable", remedy)
    return warning(check, f"{some(names)} logged in and unreachable", remedy)


def _login(seen: Evidence) -> str:
    """Return the command that logs the first agent in: at a phone of their own, else at the site's first."""
    site = seen.loaded.site
    own = next((name for name, one in site.agents.items() if one.phone is not None), None)
    if own is not None:
        return seen.ours(f"agents login {own}")
    if not site.agents or not site.phones:
        return f"add agents and phones to {seen.loaded.path}"
    return seen.ours(f"agents login {next(iter(site.agents))} --phone {next(iter(site.phones))}")
