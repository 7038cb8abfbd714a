"""A site as programs that place calls want it (`callhandler init --json`). Holds secrets in clear: only ever printed on request."""

from dataclasses import dataclass

from callhandler.site.loading import LoadedSite
from callhandler.site.models import Choice

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int


def describe(loaded: LoadedSite) -> dict[str, object]:
    """Return addresses, users and passwords of a site, as plain JSON values."""
    site, asterisk = loaded.site, loaded.site.asterisk
    address = _LOOPBACK if asterisk.sip_address in ("0.0.0.0", "::") else asterisk.sip_address  # noqa: S104 - a comparison
    sip = _Address(f"[{address}]" if ":" in address else address, asterisk.sip_port)
    return {
        "site": str(loaded.directory),
        "file": str(loaded.path),
        "sip": {"address": address, "port": sip.port, "transport": "udp"},
        "trunk": _trunk(loaded, address, sip),
        "numbers": list(site.numbers),
        "phones": [
            {
                "id": name,
                "name": phone.name,
                "user": name,
                "password": phone.password.get_secret_value(),
                "uri": f"sip:{name}@{sip.host}:{sip.port}",
            }
            for name, phone in site.phones.items()
        ],
        "agents": [
            {
                "id": name,
                "name": agent.name,
                "pin": agent.pin.get_secret_value(),
                "phone": agent.phone,
                "skills": dict(agent.skills),
            }
            for name, agent in site.agents.items()
        ],
        "queues": list(site.queues),
        "menu": _menu(loaded),
        "codes": site.codes.model_dump(),
        "rtp": {"first": asterisk.rtp_first, "last": asterisk.rtp_last},
        "ami": {
            "host": asterisk.ami_host,
            "port": asterisk.ami_port,
            "user": asterisk.ami_user,
            "secret": asterisk.ami_secret.get_secret_value(),
        },
        "agi": {"host": asterisk.agi_host, "port": asterisk.agi_port},
        "control": str(loaded.inside(site.daemon.socket)),
        "journal": _journal(loaded),
    }


def _journal(loaded: LoadedSite) -> str:
    """Return the journal's path, or its URL when it isn't a file."""
    scheme, _, path = loaded.site.daemon.database.partition(":///")
    return str(loaded.directory / path) if scheme.startswith("sqlite") and path else loaded.site.daemon.database


def _trunk(loaded: LoadedSite, address: str, sip: _Address) -> dict[str, object] | None:
    """Return the first trunk: where a caller's INVITE goes, and the first number it may dial."""
    for name in loaded.site.trunks:
        numbers = [
            number for number, table in loaded.site.numbers.items() if table.trunks is None or name in table.trunks
        ]
        if numbers:
            uri = f"sip:{numbers[0]}@{sip.host}:{sip.port}"
            return {"id": name, "address": address, "port": sip.port, "number": numbers[0], "uri": uri}
    return None


def _menu(loaded: LoadedSite) -> dict[str, object] | None:
    """Return the menu that the first number enters, with what each key leads to; 0 is told even when it isn't named."""
    site = loaded.site
    for number, table in site.numbers.items():
        kind, _, name = table.enters.partition(":")
        if kind == "menu":
            menu = site.menus[name]
            keys = {key: action.to if isinstance(action, Choice) else action for key, action in menu.keys.items()}
            if menu.operator_key:
                keys.setdefault("0", site.company.operator)
            return {"number": number, "id": name, "keys": keys}
    return None
