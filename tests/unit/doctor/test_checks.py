"""What the checks say of evidence made by hand: a healthy site, and one with a single thing spoilt."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callhandler.asterisk.agi_key import key_of
from callhandler.asterisk.pbx.modules import LISTED
from callhandler.core.model import Device, Status
from callhandler.core.views import AlarmView, Counts, PublisherView
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import AmiSeen, DaemonSeen, Door, FilesSeen, Listener, Mode, OperatorSeen, Shown, TlsSeen
from callhandler.doctor.verdict import State
from callhandler.site.loading import LoadedSite
from callhandler.site.models import Tls
from callhandler.site.waiting import Callbacks, Waiting
from tests.unit.doctor.healthy import NOW, a_site, agent, healthy, judged, status

Spoil = Callable[[Evidence], Evidence]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedSite:
    return a_site(tmp_path_factory.mktemp("doctor"))


@pytest.mark.parametrize("mode", list(Mode))
def test_a_healthy_site(loaded: LoadedSite, mode: Mode) -> None:
    verdicts = judged(healthy(loaded, mode))
    assert [verdict for verdict in verdicts.values() if verdict.state is not State.OK] == []


def part(name: str, **changes: object) -> Spoil:
    """Change some fields of one part of the evidence."""
    return lambda seen: replace(seen, **{name: replace(getattr(seen, name), **changes)})


def with_errors(spoil: Spoil) -> Spoil:
    """Have the site file have errors besides, for which a reload is refused."""
    return lambda seen: replace(spoil(seen), lint_errors=("a skill that nobody has", "another"))


def queue_music(name: str) -> Spoil:
    """Have every queue wait to this class."""

    def spoil(seen: Evidence) -> Evidence:
        site = seen.loaded.site
        queues = {key: queue.model_copy(update={"music": name}) for key, queue in site.queues.items()}
        return replace(seen, loaded=replace(seen.loaded, site=site.model_copy(update={"queues": queues})))

    return spoil


def no_asterisk(seen: Evidence) -> Evidence:
    return replace(part("machine", pid=None)(seen), console=None, ami=AmiSeen(door=Door.CLOSED))


def stopped(spoil: Spoil) -> Spoil:
    return lambda seen: no_asterisk(spoil(seen))


def no_daemon(seen: Evidence) -> Evidence:
    return replace(part("machine", daemon=None)(seen), daemon=DaemonSeen(trouble="it isn't running"))


def said(**changes: object) -> Spoil:
    """Change some of what the daemon says of itself."""
    return lambda seen: replace(seen, daemon=replace(seen.daemon, status=status(seen.loaded, **changes)))


def listening(*more: Listener, without: int = -1) -> Spoil:
    return lambda seen: replace(
        seen, listeners=(*(one for at, one in enumerate(seen.listeners or ()) if at != without), *more)
    )


def disk_file(name: str, old: str, new: str) -> Spoil:
    def spoil(seen: Evidence) -> Evidence:
        text = seen.files.on_disk[name]
        assert old in text
        return replace(seen, files=replace(seen.files, on_disk=seen.files.on_disk | {name: text.replace(old, new)}))

    return spoil


def dialplan_loaded(change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Spoil:
    def spoil(seen: Evidence) -> Evidence:
        assert seen.console is not None and seen.console.plan is not None
        place = ("callhandler-offer", "s")
        plan = seen.console.plan | {place: change(seen.console.plan[place])}
        return replace(seen, console=replace(seen.console, plan=plan))

    return spoil


def with_tls(seen_tls: TlsSeen | None) -> Spoil:
    def spoil(seen: Evidence) -> Evidence:
        site = seen.loaded.site.model_copy(update={"tls": Tls()})
        return replace(seen, loaded=replace(seen.loaded, site=site), tls=seen_tls)

    return spoil


def another_key(key: str) -> Spoil:
    """Have Asterisk's loaded dialplan be of another site, or of a time before there were keys."""

    def spoil(seen: Evidence) -> Evidence:
        assert seen.console is not None and seen.console.plan is not None
        own = key_of(seen.loaded.site.asterisk.ami_secret.get_secret_value())
        plan = {at: tuple(step.replace(own, key) for step in steps) for at, steps in seen.console.plan.items()}
        return replace(seen, console=replace(seen.console, plan=plan))

    return spoil


def stranger(port: int, protocol: str = "tcp", pid: int | None = 9) -> Listener:
    return Listener(protocol=protocol, address="127.0.0.2", port=port, pid=pid, program="nc")


E, W, U = State.ERROR, State.WARNING, State.UNKNOWN
SPOILT: list[tuple[str, Spoil, State, str, str]] = [
    ("site file", lambda seen: replace(seen, lint_errors=("a menu",)), E, "1 mistake: a menu", "callhandler check"),
    ("site file", lambda seen: replace(seen, lint_warnings=("a", "b")), W, "2 things", "callhandler check"),
    ("file modes", part("files", site_mode=0o644), E, "0644", "chmod 600"),
    ("file modes", part("files", etc_mode=0o750), E, "0750", "chmod 700"),
    ("file modes", part("files", site_mode=None), U, "can't be seen", ""),
    ("certificate", with_tls(TlsSeen(shown=Shown.UNUSABLE, trouble="no file")), E, "no file", "callhandler certs"),
    ("certificate", with_tls(TlsSeen(shown=Shown.OTHER, trouble="another")), W, "from a start on", "kill $(cat"),
    ("certificate", with_tls(TlsSeen(shown=Shown.NONE, trouble="nobody")), E, "nobody", "kill $(cat"),
    ("certificate", stopped(with_tls(TlsSeen(shown=Shown.NONE, trouble="nobody"))), U, "doesn't run", "callhandler up"),
    ("certificate", with_tls(TlsSeen(shown=Shown.OWN, ends=NOW + 29 * 86_400)), W, "29 days", "callhandler certs"),
    ("certificate", with_tls(None), E, "could not", "pjsip show transports"),
    ("disk", part("machine", free=99_000_000), E, "99 MB", "du -xh"),
    ("disk", part("machine", free=900_000_000), W, "900 MB", "du -xh"),
    ("disk", part("machine", inodes_free=9), E, "0.9%", "du -xh"),
    ("disk", part("machine", inodes_free=None, inodes_total=None, free=None), U, "can't be seen", "df -h"),
    ("clock", part("ami", skew=-3_600.0), E, "-3600 s", "timedatectl"),
    ("clock", part("console", uptime=3_660.0), W, "+3600 s", "timedatectl"),
    ("clock", part("machine", age=7_260.0), W, "-7200 s", "timedatectl"),
    ("time zone", part("machine", zone_found=False), E, "no data", "tzdata"),
    ("journal", part("journal", exists=False), U, "none yet", "callhandler up"),
    ("journal", part("journal", check="page 3 is never used"), E, "damaged", ".recover"),
    ("journal", part("journal", trouble="file is not a database", check=None), E, "can't be read", ".recover"),
    ("journal", part("journal", version="0009"), E, "newer", "pip install"),
    ("journal", part("journal", version=None), W, "version None", "callhandler up"),
    ("journal", part("journal", check=None), U, "two seconds", "quick_check"),
    ("journal", part("journal", size=30_000_000_000), W, "30 GB", "sqlite3"),
    ("asterisk", no_asterisk, E, "doesn't run", "up"),
    ("asterisk", lambda seen: replace(seen, console=None, ami=AmiSeen(door=Door.SILENT)), E, "process 4001", "kill -9 4001"),
    ("asterisk", lambda seen: replace(seen, console=None, console_trouble="no"), U, "console", "sudo"),
    ("asterisk version", part("console", version="22.10.0"), W, "22.10.1", "install"),
    ("asterisk version", part("console", version="20.20.0-rc1"), W, "20.20.1", "install"),
    ("asterisk version", part("console", version="23.4.0"), W, "23.4.1", "install"),
    ("asterisk version", part("console", version="21.9.1"), W, "no repairs", "install"),
    ("asterisk version", part("console", version="16.28.0~dfsg"), W, "no repairs", "install Asterisk 22.10.1"),
    ("asterisk version", part("console", version="13.38.3"), E, "never tried", "install"),
    ("asterisk version", part("console", version="GIT-master"), U, "could not", "core show version"),
    ("ports", listening(stranger(38_001)), E, "AMI port 38001 is held by nc (process 9), too", "kill 9"),
    ("ports", listening(stranger(38_000, "udp"), without=2), E, "SIP", "kill 9"),
    ("ports", listening(replace(stranger(38_001), site=Path("/a b"))), E, "held by nc of the site /a b", "'/a b/var/up.lock'"),
    ("ports", listening(without=1), E, "nobody listens on FastAGI 38002", "callhandler up"),
    ("ports", with_tls(None), E, "nobody listens on TLS 5061", "kill $(cat"),
    ("ports", lambda seen: replace(seen, listeners=None), U, "tell", "ss -lntup"),
    ("modules", part("console", modules=frozenset({"chan_pjsip"})), E, "not loaded", "module load"),
    ("modules", part("files", modules=frozenset({"app_new"})), W, "app_new not loaded", "module load app_new.so"),
    ("modules", part("console", modules=LISTED - {"app_chanspy"}), W, "callers on hold hear music", "module load app_chanspy.so"),
    ("asterisk version", part("console", version="20.9.1", modules=LISTED | {"func_env"}), W, "CVE-2024-42365", "install"),
    ("modules", part("console", modules=None), U, "asked", "module show"),
    ("configuration", disk_file("pjsip.conf", "max_contacts = 1", "max_contacts = 5"), W, "pjsip.conf", "reload"),
    ("configuration", part("files", on_disk={}), U, "nothing was rendered", "up"),
    ("configuration", part("files", fresh={}), U, "can't be rendered", "check"),
    ("dialplan", dialplan_loaded(lambda steps: steps[:-1]), E, "callhandler-offer,s,6 differs", "dialplan reload"),
    ("dialplan", dialplan_loaded(lambda steps: (*steps, "System(rm)")), E, "callhandler-offer,s,7", "dialplan reload"),
    ("dialplan", part("console", plan={}), E, "is not loaded", "dialplan reload"),
    ("dialplan", disk_file("extensions.conf", "Hangup(26)", "Hangup(1)"), W, "edited", "callhandler reload"),
    ("fastagi key", another_key("a" * 32), E, "another key", "dialplan reload"),
    ("fastagi key", another_key(""), E, "no key", "dialplan reload"),
    ("fastagi key", part("console", plan=None), U, "asked", "dialplan show"),
    ("dialplan", part("console", plan=None), U, "asked", "dialplan show"),
    ("ami login", part("ami", door=Door.REFUSED, detail="Authentication failed"), E, "Authentication failed", "manager reload"),
    ("ami login", part("ami", door=Door.CLOSED, detail="Connection refused"), E, "nobody listens", "up"),
    ("ami login", part("ami", door=Door.FOREIGN, detail="SSH"), E, "something else", "ss -lntp"),
    ("ami login", part("ami", door=Door.SILENT), E, "doesn't answer", "asterisk -rx"),
    ("ami login", part("ami", door=Door.UNSPOKEN, detail="IPv4 only"), U, "IPv4", "status"),
    ("ami rights", part("ami", refused=frozenset({"Originate"})), E, "Originate is denied", "manager reload"),
    ("ami rights", part("console", write=frozenset({"call"})), E, "write class originate", "manager reload"),
    ("ami rights", part("console", write=frozenset({"call", "originate"})), W, "write class message", "manager reload"),
    ("ami rights", part("console", read=frozenset({"call"})), E, "read class system", "manager reload"),
    ("ami excess", part("console", write=frozenset({"call", "originate", "command"})), E, "command", "manager reload"),
    ("ami excess", part("ami", allowed=frozenset({"GetConfig"})), E, "GetConfig", "manager reload"),
    ("ami excess", part("console", read=frozenset({"call", "system", "security"})), W, "security", "manager reload"),
    ("ami events", part("ami", events=frozenset({"Newchannel"})), E, "Hangup", "manager reload"),
    ("ami writetimeout", disk_file("manager.conf", "writetimeout = 5000", "writetimeout = 100"), W, "100 ms", "reload"),
    ("ami writetimeout", disk_file("manager.conf", "writetimeout = 5000", ""), W, "not set", "reload"),
    ("ami writetimeout", part("files", on_disk={}), U, "nothing was rendered", "callhandler up"),
    ("ami exposure", part("console", bindaddr="0.0.0.0:5038"), W, "in clear", "127.0.0.1"),
    ("sounds", part("sounds", phrases={"en": False}), E, "nothing at all", "callhandler reload"),
    ("sounds", part("sounds", phrases={"en": True, "de": False}), W, "de", "unpack"),
    ("prompts", part("sounds", prompts_missing=("welcome (en)",)), E, "welcome (en)", "reload"),
    ("music", part("console", music={}), E, "silence", "reload"),
    ("music", part("sounds", music={"default": 0}), E, "is empty", "moh reload"),
    ("music", queue_music("jazz"), W, "jazz", "reload"),
    ("music", part("console", music=None), U, "asked", "moh show"),
    ("daemon", no_daemon, E, "isn't running", "up"),
    ("daemon", lambda seen: replace(seen, daemon=DaemonSeen(trouble="it hangs")), E, "it hangs", "kill -9 4002"),
    ("daemon version", said(version="0.0.9"), W, "0.0.9 runs", "start it again"),
    ("daemon link", said(asterisk_connected=False), E, "isn't connected", "up"),
    ("fastagi", part("daemon", agi_accepts=False), E, "nobody takes calls", "up"),
    ("fastagi", listening(stranger(38_002), without=1), E, "answered by nc", "kill 9"),
    ("fastagi", listening(stranger(38_002, pid=None), without=1), U, "can't be seen", "sudo"),
    ("site in force", said(site_digest="0"), W, "changed", "reload"),
    ("site in force", with_errors(said(site_digest="0")), W, "changed", "callhandler check"),
    ("site in force", with_errors(part("daemon", refuses="one\ntwo")), W, "goes by the old: one", "callhandler check"),
    ("fastagi", with_errors(part("daemon", agi_accepts=False, refuses="one")), E, "nobody takes calls", "callhandler up"),
    ("site in force", said(counts=Counts(callbacks=2)), W, "2 open callbacks are called by nobody", "put [callbacks] back"),
    ("journal backlog", said(journal_backlog=5_000), E, "5,000", "disk"),
    ("publishers", said(publishers=(PublisherView(name="mqtt", connected=False, kept=1, dropped=0),)), W, "mqtt", "[mqtt]"),
    ("publishers", said(publishers=(PublisherView(name="mqtt", connected=True, kept=1, dropped=7),)), W, "(7)", "[mqtt]"),
    ("publishers", said(publishers=(PublisherView(name="mail", connected=False, kept=1, dropped=0),)), W, "mail", "[mail]"),
    ("alarms", said(emergency="fire"), W, "closed", "emergency open"),
    ("alarms", said(alarms=(AlarmView(kind="disk", reason="full", at=NOW - 5),)), W, "disk: full", "status"),
    ("phones", part("console", contacts={"101": "Avail", "102": "Unavail"}), W, "102, 103, 104", "user 102"),
    ("agents", part("daemon", agents=()), W, "nobody is logged in", "agents login 7001 --site"),
    ("agents", part("daemon", agents=(agent(device=Device.UNREACHABLE), agent(id="7002"))), W, "7001 at 101", "logout 7001"),
    ("agents", part("daemon", agents=(agent(phone=None),)), W, "nobody who is logged in", "logout 7001"),
    ("agents", part("daemon", agents=(agent(status=Status.LOGGED_OUT),)), W, "nobody is logged in", "agents login"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "spoil", "state", "told", "remedy"), SPOILT)
def test_one_thing_spoilt(loaded: LoadedSite, check: str, spoil: Spoil, state: State, told: str, remedy: str) -> None:
    verdict = judged(spoil(healthy(loaded)))[check]
    assert verdict.state is state
    assert told in verdict.sentence
    assert remedy in verdict.remedy


def test_what_the_site_s_own_up_left_behind_is_killed_by_itself(loaded: LoadedSite) -> None:
    left = replace(stranger(38_001), program="Asterisk", site=loaded.directory)
    verdict = judged(listening(left)(healthy(loaded)))["ports"]
    assert f"Asterisk of the site {loaded.directory} (process 9)" in verdict.sentence
    assert verdict.remedy.startswith("end it (kill 9), or"), "by now the lock is that of who asks"


def test_an_agent_without_a_phone_is_advised_to_log_in_at_one_of_the_sites(loaded: LoadedSite) -> None:
    agents = {name: one.model_copy(update={"phone": None}) for name, one in loaded.site.agents.items()}
    seen = part("daemon", agents=())(healthy(loaded))
    seen = replace(seen, loaded=replace(loaded, site=loaded.site.model_copy(update={"agents": agents})))
    assert "agents login 7001 --phone 101 --site" in judged(seen)["agents"].remedy


def test_where_nothing_runs_nobody_hears_music(loaded: LoadedSite) -> None:
    seen = no_daemon(healthy(loaded))
    assert "callers hear music" in judged(seen)["daemon"].sentence
    verdicts = judged(no_asterisk(seen))
    assert ["nobody can call" in verdicts[check].sentence for check in ("daemon", "fastagi")] == [True, True]


def test_phones_are_told_the_address_that_asterisk_listens_on(loaded: LoadedSite) -> None:
    seen = part("console", contacts={})(healthy(loaded))
    assert "server this machine's address, port" in judged(seen)["phones"].remedy
    place = loaded.site.asterisk.model_copy(update={"sip_address": "127.0.0.1"})
    there = replace(loaded, site=loaded.site.model_copy(update={"asterisk": place}))
    assert "server 127.0.0.1, port" in judged(replace(seen, loaded=there))["phones"].remedy


@pytest.mark.parametrize(
    ("mode", "pid", "start"), [(Mode.PRIVATE, "up.lock)", "up"), (Mode.ATTACHED, "4002 ", "daemon")]
)
def test_what_only_a_start_takes_up_is_mended_by_an_end_and_a_start(
    loaded: LoadedSite, mode: Mode, pid: str, start: str
) -> None:
    seen = part("daemon", refuses="asterisk.sip_port: 1 -> 2", agi_accepts=False)(healthy(loaded, mode))
    changed = no_asterisk(said(site_digest="0")(seen))
    verdicts = judged(replace(changed, listeners=()))
    assert "asterisk.sip_port: 1 -> 2" in verdicts["site in force"].sentence
    advice = [verdicts[check].remedy for check in ("site in force", "fastagi", "ports")]
    advice += [verdicts[check].remedy for check in ("asterisk", "ami login") if mode is Mode.PRIVATE]
    for remedy in advice:
        assert remedy.startswith("kill ")
        assert pid in remedy
        assert remedy.endswith(f"callhandler {start} --site {loaded.directory}")


def test_every_trouble_has_a_remedy(loaded: LoadedSite) -> None:
    for _, spoil, _, _, _ in SPOILT:
        for verdict in judged(spoil(healthy(loaded))).values():
            assert verdict.remedy or verdict.state in {State.OK, State.UNKNOWN}, verdict


def test_nothing_at_all_was_seen(loaded: LoadedSite) -> None:
    seen = Evidence(loaded=loaded, mode=Mode.PRIVATE, base=(), now=NOW, files=FilesSeen(site_mode=0o600))
    verdicts = judged(seen)
    assert {name for name, verdict in verdicts.items() if verdict.state is E} == {
        "asterisk",
        "ami login",
        "daemon",
        "fastagi",
    }


def test_modules_that_the_sites_own_choices_need(loaded: LoadedSite) -> None:
    choices = {"waiting": Waiting(away_message_after=60.0), "callbacks": Callbacks(trunk="pstn", amd=True)}
    seen = healthy(replace(loaded, site=loaded.site.model_copy(update=choices)))
    assert seen.console is not None
    assert judged(seen)["modules"].state is State.OK
    for name in ("app_record", "app_amd", "app_waitforsilence"):
        without = replace(seen.console, modules=(seen.console.modules or frozenset()) - {name})
        verdict = judged(replace(seen, console=without))["modules"]
        assert (verdict.state, verdict.remedy.endswith(f"module load {name}.so'")) == (E, True), verdict


OPERATOR: list[tuple[str, Spoil, State, str, str]] = [
    ("file modes", part("operator", readable_by_others=("callhandler_manager.conf",)), E, "everybody", "chmod o="),
    ("fastagi key", another_key(""), E, "no key", "install -o root"),
    ("includes", part("operator", includes=frozenset()), E, "isn't included", "#include callhandler_"),
    ("includes", lambda seen: replace(seen, operator=None), U, "can't be read", "sudo"),
    ("ami exposure", part("operator", open_users=("admin",)), W, "admin", "deny"),
    ("ami writetimeout", part("operator", writetimeout=None), W, "not set", "install"),
    ("ami writetimeout", part("operator", readable=False, writetimeout=None), U, "can't be read", "sudo"),
    ("dialplan", part("console", plan={}), E, "at all", "callhandler_extensions.conf"),
    ("phones", part("console", contacts={}), W, "101", "endpoints"),
]


@pytest.mark.parametrize(("check", "spoil", "state", "told", "remedy"), OPERATOR)
def test_beside_an_operators_asterisk(
    loaded: LoadedSite, check: str, spoil: Spoil, state: State, told: str, remedy: str
) -> None:
    verdict = judged(spoil(healthy(loaded, Mode.ATTACHED)))[check]
    assert (verdict.state, told in verdict.sentence, remedy in verdict.remedy) == (state, True, True), verdict


@pytest.mark.parametrize(("pid", "state", "told"), [(9, E, "held by nc (process 9)"), (None, U, "AMI 38001 is held")])
def test_what_holds_ami_s_port_and_is_not_ami_is_nobody_s_to_be_passed_over(
    loaded: LoadedSite, pid: int | None, state: State, told: str
) -> None:
    seen = no_daemon(no_asterisk(healthy(loaded, Mode.ATTACHED)))
    seen = replace(seen, ami=AmiSeen(door=Door.FOREIGN, detail="SSH"), listeners=(stranger(38_001, pid=pid),))
    verdict = judged(seen)["ports"]
    assert (verdict.state, told in verdict.sentence) == (state, True), verdict


def test_an_ami_open_to_the_world(loaded: LoadedSite) -> None:
    seen = healthy(loaded, Mode.ATTACHED)
    assert seen.console is not None
    open_ = OperatorSeen(folder=Path("/etc/asterisk"), bindaddr="0.0.0.0", open_users=("admin",))
    seen = replace(seen, operator=open_, console=replace(seen.console, bindaddr=None))
    assert judged(seen)["ami exposure"].state is E


def test_trunks_beyond_private_networks(tmp_path: Path) -> None:
    path = a_site(tmp_path).path
    path.write_text(path.read_text().replace('host = "127.0.0.1"', 'host = "sip.example.com"', 1))
    from callhandler.site.loading import load

    site = load(path)
    assert next(iter(site.site.trunks.values())).host == "sip.example.com"
    verdict = judged(healthy(site))["trunks"]
    assert verdict.state is W
    assert "pstn" in verdict.sentence
