"""`init`, `check` and `config schema` as a person and as a program use them."""

import errno
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from callhandler.asterisk.lacking import ANY_VERSION
from callhandler.asterisk.pbx.get import AsteriskProgram
from callhandler.asterisk.pbx.modules import LISTED
from callhandler.asterisk.pbx.prepare import attach
from callhandler.cli import main
from callhandler.core.events import CallbackEnded, CallbackRequested
from callhandler.doctor.seen import Mode
from callhandler.site.loading import LoadedSite, load
from tests.unit.cli.journals import kept

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line and return its exit code, what it printed, and what it said on standard error."""
    monkeypatch.setenv("CALLHANDLER_SITE", "")
    monkeypatch.delenv("CALLHANDLER_SITE")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(each) for each in arguments])
        return code, *capsys.readouterr()

    return call


def test_a_new_site_is_written_and_checked(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("init", tmp_path / "site", "--base-port", "31000", "--company", "Acme")
    assert (code, "callhandler up" in out) == (0, True)
    assert run("check", "--site", tmp_path / "site") == (0, "No mistakes found.\n", "")
    assert run("--site", tmp_path / "site", "check")[0] == 0


def test_init_tells_programs_in_one_object(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("init", tmp_path / "site", "--json")
    told = json.loads(out)
    assert (code, told["site"], len(told["phones"])) == (0, str((tmp_path / "site").resolve()), 4)


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_init_refuses_to_overwrite(run: Run, tmp_path: Path, how: list[str]) -> None:
    run("init", tmp_path)
    code, out, err = run("init", tmp_path, *how)
    assert code == 1
    assert "there already" in err
    assert out == ""


def test_init_without_a_directory_or_with_a_wrong_port_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    assert run("init")[0] == 2
    assert run("init", tmp_path, "--base-port", "many")[0] == 2
    for base in ("5", "64637"):
        code, _, err = run("init", tmp_path / "site", "--base-port", base)
        says = f"`{base}` is no whole number from 1,024 to 64,636"
        assert (code, says in " ".join(err.replace("│", " ").split())) == (2, True)
    code, _, err = run("init", tmp_path / "site", "--company", "")
    assert (code, "for --company: the company's name is too short" in " ".join(err.split())) == (2, True)
    assert not (tmp_path / "site").exists()
    assert run("init", "")[0] == 2, "and not a site in whatever folder this is"


def test_init_says_where_no_folder_can_be_made(run: Run) -> None:
    says = "/proc/callhandler can't be made: /proc takes no folders; name another place\n"
    assert run("init", "/proc/callhandler") == (1, "", says)


def test_the_command_that_init_tells_can_be_pasted(run: Run, tmp_path: Path) -> None:
    assert f"callhandler up --site '{tmp_path}/a b'\n" in run("init", tmp_path / "a b")[1]


def test_check_prints_every_error_and_ends_with_one(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path)
    path = tmp_path / "callhandler.toml"
    path.write_text(
        path.read_text().replace('"queue:support"', '"queue:suport"').replace("english = 10,", "english = 11,")
    )
    code, out, _ = run("check", "--site", path)
    assert code == 1
    assert out.count("error ") == 2
    assert out.endswith("2 errors.\n")
    code, out, _ = run("check", "--site", path, "--json")
    told = json.loads(out)
    assert (code, told["errors"], told["warnings"], told["findings"][0]["line"] > 1) == (1, 2, 0, True)
    assert {finding["key"] for finding in told["findings"]} == {"menus.main.keys.2.to", "agents.7001.skills.english"}


def test_warnings_alone_let_the_site_be_used(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path)
    (tmp_path / "callhandler.toml").chmod(0o644)
    code, out, _ = run("check", "--site", tmp_path)
    assert (code, out.splitlines()[-1]) == (0, "1 warning; the site can be used.")


def test_what_an_operator_s_own_asterisk_loads_is_not_taken_for_what_the_private_one_does(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LISTED:
        (tmp_path / f"{name}.so").touch()
    program = AsteriskProgram(("asterisk",), (20, 9, 1), tmp_path, tmp_path, {}, None)
    monkeypatch.setattr("callhandler.asterisk.pbx.get.find_asterisk", lambda _setting: program)
    run("init", tmp_path)
    assert "CVE-2024-42365" not in run("check", "--site", tmp_path)[1], "the private one doesn't load func_env"
    attach(load(tmp_path), ANY_VERSION)
    assert "CVE-2024-42365" in run("check", "--site", tmp_path)[1]


CALLBACKS = '[callbacks]\ntrunk = "pstn"\ncaller_number = "+12025550100"\nhours = "office"\n'


@pytest.fixture
def promised(run: Run, tmp_path: Path) -> Path:
    """A site that calls back, and whose journal has two open callbacks for billing, one for sales, and one that is done."""
    run("init", tmp_path)
    path = tmp_path / "callhandler.toml"
    path.write_text(f"{path.read_text()}\n{CALLBACKS}")
    owed = [asked(*one) for one in (("a", "billing"), ("b", "billing"), ("c", "sales"), ("d", "sales"))]
    kept(tmp_path, [*owed, CallbackEnded(at=time.time(), call="d", result="done", reason="")])
    return path


def asked(call: str, queue: str) -> CallbackRequested:
    now = time.time()
    return CallbackRequested(
        at=now, call=call, queue=queue, number=f"+1202555010{ord(call) % 10}", confirmed=True, entered=now, priority=5, bonus=0.0,
        wants="", language="en", caller_name="Ann", due=None, promise=None, expires=now + 3_600, reason="asked", by="caller",
    )  # fmt: skip


def test_check_tells_of_open_callbacks_that_nobody_could_make_any_more(run: Run, promised: Path) -> None:
    assert run("check", "--site", promised)[:2] == (0, "No mistakes found.\n")
    text = promised.read_text()
    promised.write_text(text.replace(CALLBACKS, ""))
    code, out, _ = run("check", "--site", promised)
    right = "put it back, or cancel what `callhandler callbacks` lists"
    assert (code, out.splitlines()[0]) == (
        0,
        f"warning {promised}:1: callbacks: 3 open callbacks are called by nobody without this table; {right}",
    )
    promised.write_text(text.replace("queues.billing", "queues.bills").replace("queue:billing", "queue:bills"))
    code, out, _ = run("check", "--site", promised)
    assert f": queues.billing: 2 open callbacks are called by nobody without this queue; {right}\n1 warning" in out


def test_check_asks_no_journal_that_can_not_be_read(run: Run, promised: Path) -> None:
    promised.write_text(promised.read_text().replace(CALLBACKS, ""))
    journal = promised.parent / "var" / "journal.db"
    for content in (b"no database" * 200, b""):
        journal.write_bytes(content)
        assert run("check", "--site", promised) == (0, "No mistakes found.\n", "")
    journal.unlink()
    journal.mkdir()
    assert run("check", "--site", promised) == (0, "No mistakes found.\n", "")


def test_check_needs_no_right_to_see_whose_asterisk_it_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(_loaded: LoadedSite) -> Mode:
        raise PermissionError(errno.EACCES, "var is another user's")  # a test can't become another user

    program = AsteriskProgram(("asterisk",), (20, 9, 1), tmp_path, tmp_path, {}, None)
    monkeypatch.setattr("callhandler.asterisk.pbx.get.find_asterisk", lambda _setting: program)
    monkeypatch.setattr("callhandler.doctor.files.mode_of", unseen)
    run("init", tmp_path)
    assert run("check", "--site", tmp_path) == (0, "No mistakes found.\n", "")


def test_check_without_a_site_is_a_usage_error_that_says_how_to_get_one(run: Run, tmp_path: Path) -> None:
    code, out, err = run("check", "--site", tmp_path)
    assert (code, out) == (2, "")
    assert "callhandler init" in err.replace("\n", " ")


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_the_schema_is_json(run: Run, how: list[str]) -> None:
    code, out, _ = run("config", "schema", *how)
    assert (code, json.loads(out)["title"]) == (0, "Site")
