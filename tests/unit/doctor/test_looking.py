"""What is looked at on this machine: journals whole, damaged, newer and absent; ports; things that take too long or raise."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.place import make, write
from callhandler.core.views import AlarmView
from callhandler.doctor import files, journal, machine
from callhandler.doctor.bounded import Running
from callhandler.doctor.console import Console, ConsoleAway
from callhandler.doctor.examine import examine, is_ok
from callhandler.doctor.gather import gather
from callhandler.doctor.holders import held
from callhandler.doctor.seen import Door, Mode
from callhandler.doctor.showing import shown
from callhandler.doctor.verdict import State, error, ok, unknown, warning
from callhandler.site.new import init
from callhandler.store.migrate import HEAD, migrate
from callhandler.store.servers import writing_engine
from tests.ports import free_base
from tests.unit.doctor.healthy import NOW, VERSION, a_site, healthy, judged, status

URL = "sqlite+aiosqlite:///var/journal.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir()
    engine = writing_engine(URL, tmp_path)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()
    return tmp_path


def test_who_holds_a_port_of_a_site_that_could_not_be_started(tmp_path: Path) -> None:
    loaded = init(tmp_path / "site", free_base()).loaded
    assert held(loaded) is None
    with socket.create_server(("127.0.0.1", loaded.site.asterisk.agi_port)):
        said = held(loaded)
    assert said is not None
    assert f"FastAGI port {loaded.site.asterisk.agi_port} is held by " in said
    assert f"end it (kill {os.getpid()}), or choose another port in {loaded.path}" in said


def test_a_whole_journal(folder: Path) -> None:
    seen = journal.look(URL, folder)
    assert (seen.check, seen.version, seen.known, seen.trouble) == ("ok", HEAD, HEAD, "")
    assert seen.size > 0


def test_looking_does_not_make_a_journal(tmp_path: Path) -> None:
    assert not journal.look(URL, tmp_path).exists
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(folder: Path) -> None:
    (folder / "var" / "journal.db").write_bytes(b"not a database" * 1_000)
    assert "not a database" in journal.look(URL, folder).trouble


def test_a_damaged_journal(folder: Path) -> None:
    path = folder / "var" / "journal.db"
    data = bytearray(path.read_bytes())
    data[4_096 * 3 : 4_096 * 4] = b"\xff" * 4_096
    path.write_bytes(data)
    seen = journal.look(URL, folder)
    assert seen.trouble or seen.check not in {None, "ok"}


def test_a_journal_of_another_version(folder: Path) -> None:
    with sqlite3.connect(folder / "var" / "journal.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert journal.look(URL, folder).version == "9999"


def test_who_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        ports = {tcp.getsockname()[1], udp.getsockname()[1]}
        found = machine.listeners(ports)
    assert found is not None
    assert {(one.protocol, one.address, one.pid) for one in found} == {
        ("tcp", "127.0.0.1", os.getpid()),
        ("udp", "127.0.0.1", os.getpid()),
    }


def test_a_file_that_a_process_closes_meanwhile_hides_no_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    readlink = Path.readlink

    def closed(path: Path) -> Path:
        if path == Path(f"/proc/{os.getpid()}/fd/0"):
            raise FileNotFoundError(path)
        return readlink(path)

    monkeypatch.setattr(Path, "readlink", closed)
    with socket.create_server(("127.0.0.1", 0)) as server:
        (found,) = machine.listeners({server.getsockname()[1]}) or ()
    assert found.pid == os.getpid()


def test_a_private_asterisk_is_known_by_its_command_line_and_its_site(tmp_path: Path) -> None:
    etc = tmp_path / "site" / "var" / "asterisk" / "etc"
    etc.mkdir(parents=True)
    (etc / "asterisk.conf").touch()
    (tmp_path / "link").symlink_to(etc.parent)
    as_its_loader = "open('/proc/self/comm', 'w').write('ld-linux-x86-64'); import socket, time"
    listen = "one = socket.create_server(('127.0.0.1', 0)); print(one.getsockname()[1], flush=True); time.sleep(60)"
    conf = str(tmp_path / "link" / "etc" / "asterisk.conf")
    words = [sys.executable, "-c", f"{as_its_loader}; {listen}", "/cache/usr/sbin/asterisk", "-C", conf, "-f"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = machine.listeners({int(process.stdout.readline())})
        process.kill()
    assert found is not None
    assert [(one.program, one.site, one.pid) for one in found] == [("Asterisk", tmp_path / "site", process.pid)]


def test_this_machine(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{os.getpid()}\n")
    seen = machine.look(tmp_path, pid_file, tmp_path / "none", "Europe/Berlin")
    assert seen.pid == os.getpid()
    assert seen.daemon is None
    assert seen.age is not None
    assert 0 < seen.age < 86_400
    assert seen.free is not None
    assert seen.zone_found
    assert not machine.look(tmp_path, tmp_path / "none", tmp_path, "Mars/Olympus").zone_found


def test_what_takes_too_long_is_left_behind() -> None:
    over = threading.Event()
    try:
        assert Running("slow", 0.05, lambda: "late" if over.wait(300) else "later", "in time").result() == "in time"
    finally:
        over.set()


def test_what_is_raised_is_raised_again() -> None:
    running = Running("wrong", 1.0, lambda: int("x"), 0)
    with pytest.raises(ValueError, match="invalid literal"):
        running.result()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'Unable to connect to remote asterisk (does x exist?)'; exit 1", "no Asterisk answers"),
        ("exit 3", "exit code 3"),
        ("exec sleep 20", "didn't answer"),
    ],
)
def test_a_console_that_does_not_answer(tmp_path: Path, script: str, told: str) -> None:
    program = tmp_path / "asterisk"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    with pytest.raises(ConsoleAway, match=told):
        Console([str(program)]).ask("core show version")
    with pytest.raises(ConsoleAway, match="can't be started"):
        Console([str(tmp_path / "none")]).ask("core show version")


def test_a_site_that_never_ran(tmp_path: Path) -> None:
    seen = gather(a_site(tmp_path))
    assert (seen.mode, seen.console, seen.ami.door) == (Mode.PRIVATE, None, Door.CLOSED)
    assert not (seen.loaded.directory / "var" / "asterisk").exists()


def test_a_site_that_ran_and_is_stopped_has_what_was_rendered_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a test's path can be so long that Asterisk needs a link
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    loaded = a_site(tmp_path)
    write(make(loaded.directory)["etc"], files.fresh(loaded, Mode.PRIVATE, VERSION))
    verdicts = judged(gather(loaded))
    assert verdicts["asterisk"].state is State.ERROR
    assert verdicts["ami writetimeout"].sentence == "is 5000 ms"
    assert verdicts["configuration"].state is State.OK


def test_a_site_file_that_can_not_be_used(tmp_path: Path) -> None:
    (tmp_path / "callhandler.toml").write_text("[company]\nname = 5\n")
    (verdict,) = examine(tmp_path)
    assert verdict.state is State.ERROR
    assert verdict.remedy.startswith("callhandler check")


def test_warnings_and_the_unseen_are_no_errors() -> None:
    verdicts = [ok("a", "good"), warning("b", "hm", "do"), unknown("c", "dark"), unknown("d", "dark", "look")]
    assert is_ok(verdicts)
    assert not is_ok([*verdicts, error("e", "bad\x1b[2J", "mend")])
    lines = [line.plain for line in shown([*verdicts, error("e", "bad\x1b[2J", "mend")])]
    assert "\x1b" not in "".join(lines)
    assert lines[-1] == "1 ok, 1 warning, 1 error, 2 not seen."
    several = [line.plain for line in shown([*verdicts, *verdicts])]
    assert several[-1] == "2 ok, 2 warnings, 4 not seen."
    assert any(line.strip() == "-> mend" for line in lines)
    assert "not seen  c" in lines


def test_doctor_counts_the_alarms_that_status_lists_and_while_the_daemon_is_away_the_journal(tmp_path: Path) -> None:
    burst = AlarmView(kind="unroutable", queue="sales", reason="nobody", at=NOW - 50, count=1_340)
    listed = (burst, AlarmView(kind="pin", reason="wrong", at=NOW - 40.0))
    seen = healthy(a_site(tmp_path))
    seen = replace(
        seen,
        journal=replace(seen.journal, alarms=(burst,)),
        daemon=replace(seen.daemon, status=status(seen.loaded, alarms=listed)),
    )
    assert "1,341 in the last day; the last: pin: wrong" in judged(seen)["alarms"].sentence
    seen = replace(seen, daemon=replace(seen.daemon, status=None))
    assert "1,340 in the last day; the last: unroutable: nobody" in judged(seen)["alarms"].sentence
