"""Renders a site into Asterisk's configuration: all of it for the private one, three files to include for one that runs already.

Pure but for reading the templates (asterisk-conf/, dialplans/): files are returned as text; `place.write` puts them in place. Every
value of the site passes through `quoting` here and nowhere else.
"""

import ipaddress
from pathlib import Path
from typing import TypedDict

import jinja2

import callhandler
from callhandler.asterisk import agi_key, lacking, wire
from callhandler.asterisk.pbx.modules import present
from callhandler.asterisk.pbx.music import MusicClass
from callhandler.asterisk.pbx.place import layout, messages_folder, sounds_folder
from callhandler.asterisk.pbx.quoting import Unwritable, host, value, word
from callhandler.asterisk.quoting import display_name
from callhandler.core.model import LONGEST_RINGING
from callhandler.site.loading import LoadedSite
from callhandler.site.models import Site
from callhandler.site.references import destinations

LONGEST_CALL = 14_400
"""Seconds after which Asterisk ends a call by itself, should everything else have failed to."""
_QUIET = ("acl.conf", "amd.conf", "ccss.conf", "cdr.conf", "cel.conf", "features.conf", "pjproject.conf", "udptl.conf")
_RENDERED = (
    "asterisk.conf", "modules.conf", "manager.conf", "pjsip.conf", "musiconhold.conf", "logger.conf", "rtp.conf", "extensions.conf",
    "indications.conf", "stasis.conf",
)  # fmt: skip

Values = dict[
    str,
    "str | dict[str, str] | list[str] | list[dict[str, str]] | dict[str, list[str]] | list[TrunkValues] | list[MusicValues]",
]


class TrunkValues(TypedDict):
    """A trunk as the templates see it. `contact` is empty where calls can't go out (a whole network), `encrypted` where they needn't be."""

    id: str
    host: str
    contact: str
    encrypted: str
    numbers: list[str]


class MusicValues(TypedDict):
    """A class of music as the templates see it."""

    name: str
    folder: str


def render(loaded: LoadedSite, modules: Path, version: tuple[int, ...], music: list[MusicClass]) -> dict[str, str]:
    """The private Asterisk's configuration: file name -> text. Raises Unwritable, naming the value that can't be written."""
    site = loaded.site
    folders = {name: value(str(path), f"the folder {name}") for name, path in layout(loaded.directory).items()}
    values: Values = {
        **folders,
        **_dialplan(loaded),
        **_manager(site, version),
        "modules_folder": value(str(modules), "the folder of Asterisk's modules"),
        "modules": present(modules),
        "node": word(site.asterisk.node, "asterisk.node"),
        "sip_address": host(site.asterisk.sip_address, "asterisk.sip_address"),
        "sip_port": str(site.asterisk.sip_port),
        "rtp_first": str(site.asterisk.rtp_first),
        "rtp_last": str(site.asterisk.rtp_last),
        "music": _music(music),
        "tls": _tls(loaded),
    }
    templates = _environment()
    files = {name: templates.get_template(f"{name}.j2").render(values) for name in _RENDERED}
    return files | {name: templates.get_template("quiet.conf.j2").render(name=name) for name in _QUIET}


def render_attach(loaded: LoadedSite, version: tuple[int, ...], music: list[MusicClass]) -> dict[str, str]:
    """What an Asterisk that runs already is to include: `callhandler_manager.conf`, `callhandler_extensions.conf`, and music."""
    templates = _environment()
    values: Values = {**_dialplan(loaded), **_manager(loaded.site, version), "music": _music(music)}
    return {
        "callhandler_manager.conf": templates.get_template("manager-user.conf.j2").render(values),
        "callhandler_extensions.conf": templates.get_template("callhandler.conf.j2").render(values),
    } | (
        {"callhandler_musiconhold.conf": templates.get_template("musiconhold-attach.conf.j2").render(values)}
        if music
        else {}
    )


def _dialplan(loaded: LoadedSite) -> Values:
    site = loaded.site
    phones = [
        {
            "id": word(id_, f"phones.{id_}"),
            "password": value(phone.password.get_secret_value(), f"phones.{id_}.password"),
            "encrypted": "yes" if phone.encrypted else "",
            "caller_id": value(f'"{display_name(phone.name) or id_}" <{id_}>', f"phones.{id_}.name"),
        }
        for id_, phone in site.phones.items()
    ]
    taken = {*site.numbers}
    codes = (site.codes.login, site.codes.logout, site.codes.pause, site.codes.resume)
    return {
        "phones": [phone for phone in phones if phone["id"] not in taken],
        "trunks": [_trunk(site, id_) for id_ in site.trunks],
        "phone_numbers": [word(number, f"numbers.{number}") for number, table in site.numbers.items() if table.phones],
        "agents": [word(id_, f"agents.{id_}") for id_ in site.agents if id_ not in taken | site.phones.keys()],
        "codes": [word(code, "codes") for code in codes],
        "agi_host": host(site.asterisk.agi_host, "asterisk.agi_host"),
        "agi_port": str(site.asterisk.agi_port),
        "agi_key": agi_key.key_of(site.asterisk.ami_secret.get_secret_value()),
        "longest_call": str(LONGEST_CALL),
        "longest_ringing": str(round(LONGEST_RINGING)),
        "outside": _outside(site),
        "languages": [word(language, "company.languages") for language in site.company.languages],
        "away_phones": [word(phone, "waiting.away_phones") for phone in site.waiting.away_phones],
        "away_ring_after": str(round(site.waiting.away_ring_after)),
        "away_message_after": str(round(site.waiting.away_message_after or 0)),
        "messages_folder": value(str(messages_folder(loaded.directory)), "the folder of messages"),
        **_machines(site),
        "sounds_folder": value(str(sounds_folder(loaded.directory)), "the folder of spoken prompts"),
    }


_OF_THE_PROMISE = 0.8
"""Part of the longest silence for which a number outside rings: the caller has just been spoken to, and is again when nobody answers."""


def _outside(site: Site) -> list[dict[str, str]]:
    """The numbers outside that the site file sends callers to, with how each is dialled: no other can be."""
    callbacks = site.callbacks
    numbers = {which for _, to in destinations(site) for kind, _, which in [to.partition(":")] if kind == "outside"}
    if callbacks is None:
        return []
    shown = word(callbacks.caller_number, "callbacks.caller_number") if callbacks.caller_number else ""
    return [
        {
            "number": word(number, "an outside number"),
            "channel": f"PJSIP/{word(number, 'an outside number')}@trunk-{word(callbacks.trunk, 'callbacks.trunk')}",
            "ring": str(round(min(callbacks.ring, _OF_THE_PROMISE * site.waiting.check_in_at_most))),
            "options": f"gmL({callbacks.minutes * 60_000})" + (f"f({shown})" if shown else ""),
        }
        for number in sorted(numbers)
    ]


def _machines(site: Site) -> dict[str, str]:
    """Whether Asterisk listens for answering machines, and the prompt it leaves with them; empty for neither."""
    callbacks = site.callbacks
    if callbacks is None or not callbacks.amd:
        return {"amd": "", "amd_message": ""}
    return {"amd": "yes", "amd_message": word(callbacks.message, "callbacks.message") if callbacks.message else ""}


def _trunk(site: Site, id_: str) -> TrunkValues:
    trunk = site.trunks[id_]
    address = word(trunk.host, f"trunks.{id_}.host")
    network = "/" in address
    if network:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError as error:
            raise Unwritable(f"trunks.{id_}.host: {address} is no network; right is such as 192.0.2.0/24") from error
    numbers = [
        word(number, f"numbers.{number}")
        for number, table in site.numbers.items()
        if table.trunks is None or id_ in table.trunks
    ]
    contact = "" if network else f"sip:{host(address, f'trunks.{id_}.host')}:{trunk.port}"
    if contact and trunk.encrypted:
        contact += value(";transport=tls", f"trunks.{id_}")
    return {
        "id": word(id_, f"trunks.{id_}"),
        "host": address,
        "contact": contact,
        "encrypted": "yes" if trunk.encrypted else "",
        "numbers": numbers,
    }


def _tls(loaded: LoadedSite) -> dict[str, str]:
    """SIP over TLS, if the site has it; `trusted` only for trunks, as phones come to us and show no certificate."""
    tls = loaded.site.tls
    if tls is None:
        return {}
    trusted = any(trunk.encrypted for trunk in loaded.site.trunks.values())
    return {
        "address": host(tls.address, "tls.address"),
        "port": str(tls.port),
        "certificate": value(str(loaded.inside(tls.certificate)), "tls.certificate"),
        "key": value(str(loaded.inside(tls.key)), "tls.key"),
        "trusted": value(str(loaded.inside(tls.trusted)), "tls.trusted") if trusted else "",
    }


def _manager(site: Site, version: tuple[int, ...]) -> Values:
    address = site.asterisk.ami_host
    loopback = address == "localhost" or (address.replace(":", "").replace(".", "").isalnum() and _is_loopback(address))
    return {
        "ami_host": word("127.0.0.1" if address == "localhost" else address, "asterisk.ami_host"),
        "ami_port": str(site.asterisk.ami_port),
        "ami_user": word(site.asterisk.ami_user, "asterisk.ami_user"),
        "ami_secret": value(site.asterisk.ami_secret.get_secret_value(), "asterisk.ami_secret"),
        "ami_permit": "" if loopback else word(address, "asterisk.ami_host"),
        "event_names": sorted(wire.FILTERED),
        "event_classes": wire.EVENT_CLASSES,
        "filters_by_name": "yes" if lacking.filters_by_name(version) else "",
    }


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _music(classes: list[MusicClass]) -> list[MusicValues]:
    return [
        {"name": word(c.name, "a class of music"), "folder": value(str(c.folder), "the folder of music")}
        for c in classes
    ]


def _environment() -> jinja2.Environment:
    folders = [folder / name for folder in _template_folders() for name in ("asterisk-conf", "dialplans")]
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=False,  # noqa: S701 - not HTML: `quoting` is what keeps values in their place here
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _template_folders() -> list[Path]:
    package = Path(callhandler.__file__).parent
    return [package / "_data", package.parent]
