"""Any site becomes the configuration it should and nothing else; what can't be written is refused by name."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.asterisk import wire
from callhandler.asterisk.agi_key import key_of, keys_in
from callhandler.asterisk.lacking import ANY_VERSION
from callhandler.asterisk.pbx.music import MusicClass
from callhandler.asterisk.pbx.prepare import attach
from callhandler.asterisk.pbx.quoting import Unwritable, host, value, word
from callhandler.asterisk.pbx.render import render, render_attach
from callhandler.core.line import PRESENCE_GRACE
from callhandler.site.loading import LoadedSite, load
from callhandler.site.new import init

anything = st.text(max_size=60) | st.text(alphabet=";\\\"'${}[]()#=>,\r\n\t \0-aé", max_size=30)


def as_asterisk_reads(line: str) -> tuple[str, str]:
    """An option of a line, as main/config.c takes it apart: comments cut, escaped semicolons kept, blanks dropped."""
    kept, rest = "", line
    while (at := rest.find(";")) >= 0:
        if at > 0 and rest[at - 1] == "\\":
            kept, rest = kept + rest[: at - 1] + ";", rest[at + 1 :]
        else:
            rest = rest[:at]
    key, _, right = (kept + rest).strip().partition("=")
    return key.strip(), right.removeprefix(">").strip()


@given(anything)
def test_a_value_is_read_back_as_it_was_or_refused(text: str) -> None:
    try:
        written = value(text, "it")
    except Unwritable:
        assert not text or text != text.strip() or re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)
        return
    assert as_asterisk_reads(f"password = {written}") == ("password", text)
    assert "\n" not in written


@given(anything)
def test_a_word_holds_nothing_that_the_dialplan_would_expand(text: str) -> None:
    try:
        written = word(text, "it")
    except Unwritable:
        return
    assert written == text
    assert not set(text) & set("${}\"';,()&|<>\\ \n")


@pytest.mark.parametrize("text", ["a" * 10_000, "\ud800", "a\nb", " a", ""])
def test_what_cannot_be_written_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Unwritable) as refused:
        value(text, "phones.101.password")
    assert "phones.101.password" in str(refused.value)
    assert len(str(refused.value)) < 200


def test_hosts() -> None:
    assert host("2001:db8::1", "it") == "[2001:db8::1]"
    assert host("sip.example", "it") == "sip.example"
    for bad in ("a b", "x;y", "a@b", "", "h\n"):
        with pytest.raises(Unwritable):
            host(bad, "it")


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSite:
    return init(tmp_path / "site", 32_400).loaded


def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir(exist_ok=True)
    for name in ("res_speech", "res_agi", "chan_pjsip", "bridge_native_rtp"):
        (folder / f"{name}.so").touch()
    return folder


def test_a_private_asterisk(loaded: LoadedSite, tmp_path: Path) -> None:
    files = render(loaded, modules(tmp_path), (22, 10, 1), [MusicClass("default", Path("/music"))])
    loads = re.findall(r"(?m)^load = (\S+)\.so$", files["modules.conf"])
    assert loads == ["chan_pjsip", "res_speech", "res_agi"], "only what is there, res_speech before res_agi"
    assert "bind = 0.0.0.0:32400" in files["pjsip.conf"]
    assert "port = 32401" in files["manager.conf"]
    assert "eventfilter(action(include),name(Hangup)) =" in files["manager.conf"]
    key = key_of(loaded.site.asterisk.ami_secret.get_secret_value())
    assert "AGI(agi://127.0.0.1:32402/call," in files["extensions.conf"], "the URL, which is logged, is without it"
    assert keys_in(files["extensions.conf"]) == {key}, "every session proves itself"
    assert "directory = /music" in files["musiconhold.conf"]
    assert "[callhandler-trunk-pstn]" in files["extensions.conf"]
    assert "identify_by = ip" in files["pjsip.conf"]


def test_tls_and_srtp_are_for_those_who_are_marked(loaded: LoadedSite, tmp_path: Path) -> None:
    plain = render(loaded, modules(tmp_path), (22, 10, 1), [])["pjsip.conf"]
    assert "tls" not in plain
    assert "encrypted" not in plain
    text = loaded.path.read_text().replace(
        '101 = { name = "Front desk"', '101 = { encrypted = true, name = "Front desk"'
    )
    text = (
        text.replace("[trunks.pstn]", "[trunks.pstn]\nencrypted = true")
        + '\n[tls]\naddress = "192.0.2.1"\nkey = "own;.key"\n'
    )
    loaded.path.write_text(text)
    found = render(load(loaded.path), modules(tmp_path), (22, 10, 1), [])["pjsip.conf"]
    assert "bind = 192.0.2.1:5061" in found
    assert f"cert_file = {loaded.directory}/var/tls/asterisk.crt" in found
    assert "own\\;.key" in found
    assert "verify_server = yes" in found, "an encrypted trunk must prove itself"
    assert "[101](phone,encrypted)" in found
    assert "[102](phone)" in found
    assert "[trunk-pstn](codecs,encrypted)" in found
    assert "contact = sip:127.0.0.1:32403\\;transport=tls" in found


def test_phones_are_asked_before_callers_give_them_up(loaded: LoadedSite, tmp_path: Path) -> None:
    text = render(loaded, modules(tmp_path), (22, 10, 1), [])["pjsip.conf"]
    found = re.search(r"(?m)^qualify_frequency = (\d+)$", text)
    assert found is not None
    assert int(found[1]) < PRESENCE_GRACE, "found again while callers wait"


def sent(manager: str, event: str) -> bool:
    """Whether an Asterisk that knows no names sends an event: it matches a filter, and none with `!` (manager.conf.sample)."""
    filters = [line.partition(" = ")[2] for line in manager.splitlines() if line.startswith("eventfilter")]
    white = [one.replace("[^[:alpha:]]", "[^A-Za-z]") for one in filters if not one.startswith("!")]
    black = [one[1:] for one in filters if one.startswith("!")]
    return any(re.search(one, event, re.DOTALL) for one in white) and not any(
        re.search(one, event, re.DOTALL) for one in black
    )


def test_an_asterisk_that_knows_no_filters_by_name_sends_the_same(loaded: LoadedSite, tmp_path: Path) -> None:
    text = render(loaded, modules(tmp_path), (20, 10, 0), [])["manager.conf"]
    assert "name(" not in text
    for name in wire.FILTERED:
        assert sent(text, f"Event: {name}\r\nPrivilege: call,all\r\n"), name
    for name in ("HangupHandlerRun", "VarSet", "NewAccountCode"):
        assert not sent(text, f"Event: {name}\r\nCallerIDName: Event: Hangup\r\n"), name
    key = "Event: DTMFEnd\r\nPrivilege: dtmf,all\r\nChannel: PJSIP/1\r\nDigit: {}\r\nDurationMs: 100\r\n"
    assert [one for one in "0123456789*#ABCD" if sent(text, key.format(one))] == ["1"]


def test_what_is_asked_for_is_all_that_may_be_read_and_is_not_among_what_is_never_written(
    loaded: LoadedSite, tmp_path: Path
) -> None:
    text = render(loaded, modules(tmp_path), (22, 10, 1), [])["manager.conf"]
    assert re.findall(r"(?m)^read = (.*)$", text) == [wire.EVENT_CLASSES]
    assert re.findall(r"(?m)^write = (.*)$", text) == ["call,originate,message"]
    (disabled,) = re.findall(r"(?m)^disabledevents = (.*)$", text)  # of several lines the last counts
    assert not wire.EVENTS & set(disabled.split(","))
    by_name = re.findall(r"(?m)^eventfilter\(action\(include\),name\((\w+)\)\) =$", text)
    assert set(by_name) == wire.FILTERED
    assert text.count("\neventfilter") == len(wire.FILTERED) + 1, "and of keys one"


def test_beside_an_asterisk_that_runs_only_own_names_are_used(loaded: LoadedSite) -> None:
    files = render_attach(loaded, ANY_VERSION, [MusicClass("default", Path("/m")), MusicClass("jazz", Path("/j"))])
    sections = [s for text in files.values() for s in re.findall(r"(?m)^\[([^\]]+)\]", text)]
    assert all(name.startswith("callhandler") or name == "jazz" for name in sections)
    assert "general" not in sections


def test_attaching_writes_private_files_and_says_what_to_do(loaded: LoadedSite) -> None:
    done = attach(loaded, ANY_VERSION)
    assert set(done.changed) == {"callhandler_manager.conf", "callhandler_extensions.conf"}
    assert {path.name for path in done.folder.iterdir()} == set(done.changed)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in done.folder.iterdir())
    assert any("#include callhandler_manager.conf" in command for command in done.commands)
    assert attach(loaded, ANY_VERSION).changed == ()


def test_messages_and_machines_are_the_dialplans_business_only_where_the_site_says_so(
    loaded: LoadedSite, tmp_path: Path
) -> None:
    plain = render(loaded, modules(tmp_path), (22, 10, 1), [])["extensions.conf"]
    for word_ in ("callhandler-away", "Record(", "AMD(", "callhandler-machine"):
        assert word_ not in plain
    more = """
[waiting]
away_message_after = 90.0
[callbacks]
trunk = "pstn"
hours = "office"
amd = true
message = "closed"
"""
    loaded.path.write_text(loaded.path.read_text() + more)
    found = render(load(loaded.path), modules(tmp_path), (22, 10, 1), [])["extensions.conf"]
    assert ">= 90]?callhandler-away,s,1)" in found
    assert f"Record({loaded.directory}/var/messages/${{CH_FILE}}.wav,5,180,k)" in found
    assert found.count("CALLERID(num)") == found.count("FILTER(0-9+,${CALLERID(num)})") == 1, "digits alone"
    assert " same => n,AMD()" in found
    assert f"Playback({loaded.directory}/var/sounds/${{CHANNEL(language)}}/closed)" in found


@pytest.mark.parametrize(("ring", "at_most", "rings"), [(30, 90, 30), (120, 90, 72)])
def test_a_number_outside_never_rings_for_longer_than_anybody_may_wait_in_silence_nor_talks_for_ever(
    loaded: LoadedSite, tmp_path: Path, ring: int, at_most: int, rings: int
) -> None:
    more = f"""
[waiting]
check_in_at_most = {at_most}
[callbacks]
trunk = "pstn"
ring = {ring}
minutes = 7
[numbers.5009]
enters = "outside:+12025550123"
"""
    loaded.path.write_text(loaded.path.read_text() + more)
    found = render(load(loaded.path), modules(tmp_path), (22, 10, 1), [])["extensions.conf"]
    assert f"Dial(PJSIP/+12025550123@trunk-pstn,{rings},gmL(420000))" in found
