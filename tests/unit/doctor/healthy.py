"""Evidence of a healthy site, made by hand; tests take it and spoil one thing."""

from pathlib import Path

from callhandler.asterisk.pbx.modules import LISTED
from callhandler.core.model import Device, State, Status
from callhandler.core.views import AgentView, StatusView
from callhandler.doctor import files
from callhandler.doctor.checks import CHECKS
from callhandler.doctor.dialplan import written
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import (
    AmiSeen,
    ConsoleSeen,
    DaemonSeen,
    Door,
    FilesSeen,
    JournalSeen,
    Listener,
    MachineSeen,
    Mode,
    OperatorSeen,
    SoundsSeen,
)
from callhandler.doctor.verdict import Verdict
from callhandler.site.loading import LoadedSite
from callhandler.site.new import init

VERSION = (22, 10, 1)
ASTERISK, DAEMON = 4_001, 4_002
NOW = 1_795_286_000.0


def a_site(folder: Path) -> LoadedSite:
    return init(folder / "site", 38_000, "Example").loaded


def status(loaded: LoadedSite, **other: object) -> StatusView:
    values: dict[str, object] = {
        "version": "0.1.0", "node": "pbx1", "pid": DAEMON, "started": NOW - 60, "now": NOW, "site": str(loaded.directory),
        "site_digest": loaded.digest, "asterisk_connected": True, "asterisk_version": "22.10.1", "asterisk_since": NOW - 60,
        "journal_backlog": 0,
    }  # fmt: skip
    return StatusView(**(values | other))  # type: ignore[arg-type]  # a view from values by name


def agent(**other: object) -> AgentView:
    values: dict[str, object] = {
        "id": "7001", "name": "Anna", "status": Status.AVAILABLE, "state": State.IDLE, "since": NOW, "phone": "101",
        "device": Device.FREE,
    }  # fmt: skip
    return AgentView(**(values | other))  # type: ignore[arg-type]  # a view from values by name


def healthy(loaded: LoadedSite, mode: Mode = Mode.PRIVATE) -> Evidence:
    fresh = files.fresh(loaded, mode, VERSION)
    plan = written(fresh["extensions.conf" if mode is Mode.PRIVATE else "callhandler_extensions.conf"])
    place = loaded.site.asterisk
    return Evidence(
        loaded=loaded,
        mode=mode,
        base=("asterisk",),
        now=NOW,
        files=FilesSeen(site_mode=0o600, etc_mode=0o700, fresh=fresh, on_disk=dict(fresh)),
        console=ConsoleSeen(
            version="22.10.1",
            uptime=60.0,
            modules=LISTED,
            bindaddr="127.0.0.1:5038",
            read=frozenset({"system", "call", "dtmf"}),
            write=frozenset({"call", "originate", "message"}),
            contacts=dict.fromkeys(loaded.site.phones, "Avail"),
            music={"default": Path("/music")},
            plan=plan,
        ),
        ami=AmiSeen(
            door=Door.IN,
            actions={
                "Originate": frozenset({"originate"}),
                "Redirect": frozenset({"call"}),
                "MessageSend": frozenset({"message"}),
            },
            refused=frozenset({"Command", "GetConfig", "CoreStatus"}),
            allowed=frozenset({"Status", "DeviceStateList", "Originate"}),
            events=frozenset({"Newchannel", "Hangup", "OriginateResponse"}),
            devices={f"PJSIP/{phone}": "NOT_INUSE" for phone in loaded.site.phones},
            skew=0.01,
        ),
        daemon=DaemonSeen(status=status(loaded), agents=(agent(),), installed="0.1.0", agi_accepts=True),
        listeners=(
            Listener(protocol="tcp", address="127.0.0.1", port=place.ami_port, pid=ASTERISK, program="asterisk"),
            Listener(protocol="tcp", address="127.0.0.1", port=place.agi_port, pid=DAEMON, program="python"),
            Listener(protocol="udp", address="0.0.0.0", port=place.sip_port, pid=ASTERISK, program="asterisk"),
        ),
        journal=JournalSeen(where="/site/var/journal.db", version="0001", known="0001", size=90_000),
        machine=MachineSeen(
            free=50_000_000_000, total=100_000_000_000, inodes_free=900, inodes_total=1_000, pid=ASTERISK, age=60.4, daemon=DAEMON
        ),
        sounds=SoundsSeen(
            folder=Path("/lib/sounds"), phrases={"en": True, "es": True}, prompts=18, music={"default": 5}
        ),
        operator=OperatorSeen(
            folder=Path("/etc/asterisk"), includes=frozenset(fresh), bindaddr="127.0.0.1", writetimeout=5_000
        )
        if mode is Mode.ATTACHED
        else None,
    )  # fmt: skip


def judged(seen: Evidence) -> dict[str, Verdict]:
    return {verdict.check: verdict for verdict in (check(seen) for check in CHECKS)}
