"""The command line against a daemon's API, against a journal alone, and against nothing at all."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from callhandler import __version__
from callhandler.cli import main
from callhandler.cli.lazy import COMMANDS, first_word
from callhandler.cli.place import find
from callhandler.control.server import Server
from callhandler.core.events import AgentPaused, CallArrived, CallEnded, Fact, RoutingDecided
from callhandler.core.model import Outcome
from callhandler.core.plain import to_plain
from tests.unit.cli.decision import SNAPSHOT
from tests.unit.cli.journals import kept
from tests.unit.control.fake_desk import AGENT, CALL, QUEUE, STATUS, FakeDesk


def test_what_a_client_needs_is_read_from_the_readable_part_of_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "callhandler.toml").write_text(
        '[company]\nname = "no end\ntime_zone = "Europe/Berlin"\n\n[daemon]  # here\nsocket = "/run/x.sock"\nwatchdog = = 3\n'
    )
    place = find(tmp_path)
    assert (place.zone.key, place.socket) == ("Europe/Berlin", Path("/run/x.sock"))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CALLHANDLER_SITE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "callhandler.toml").write_text('[company]\ntime_zone = "Europe/Berlin"\n')
    return tmp_path


class Daemon:
    """A control API in a loop and a thread of its own."""

    def __init__(self, site: Path) -> None:
        self.desk = FakeDesk()
        self._server = Server(self.desk, site / "var" / "control.sock")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.run(self._server.start())

    def run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)  # type: ignore[arg-type]

    def tell(self, fact: Fact) -> None:
        """Have the desk tell a fact, in the loop's own thread: nothing of a loop may be touched by another."""
        self._loop.call_soon_threadsafe(self.desk.tell, fact)

    def stop(self) -> None:
        self.run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def daemon(site: Path) -> Iterator[Daemon]:
    daemon = Daemon(site)
    yield daemon
    daemon.stop()


@pytest.fixture
def journal(site: Path) -> Path:
    (site / "var").mkdir(exist_ok=True)
    arrived = CallArrived(
        at=1_795_286_814.0, call=CALL.id, channel="PJSIP/pstn-1", number="5000",
        caller_number="+15550001", caller_name="Ann\x1b[31m", source="trunk-pstn",
    )  # fmt: skip
    decided = RoutingDecided(at=1_795_286_815.0, call=CALL.id, queue="sales", agent="7001", snapshot=SNAPSHOT)
    ended = CallEnded(at=1_795_286_900.0, call=CALL.id, outcome=Outcome.ABANDONED, reason="caller hung up")
    kept(site, [arrived, decided, ended])
    return site


@pytest.mark.usefixtures("daemon")
class TestAsking:
    @pytest.mark.parametrize(
        ("words", "answer"),
        [
            (["status"], STATUS),
            (["calls"], [CALL]),
            (["agents"], [AGENT]),
            (["queues"], [QUEUE]),
            (["agents", "resume", "7001"], AGENT),
            (["calls", "move", CALL.id, "support"], replace(CALL, queue="support")),
            (["calls", "prioritise", CALL.id, "--priority", "1"], replace(CALL, priority=1)),
            (["calls", "hangup", CALL.id], {"done": True}),
            (["emergency", "close", "--reason", "fire"], {"done": True}),
            (["emergency", "open"], {"done": True}),
            (
                ["reload", "--dry-run"],
                {"differences": ["queues.sales.ring: 15.0 -> 20.0"], "applied": False, "error": None},
            ),
        ],
    )
    def test_json_for_machines(
        self, site: Path, capsys: pytest.CaptureFixture[str], words: list[str], answer: object
    ) -> None:
        assert main([*words, "--json", "--site", str(site)]) == 0
        assert json.loads(capsys.readouterr().out) == to_plain(answer)

    def test_a_reload_that_fails_has_one_error_and_no_answer(
        self, site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]
    ) -> None:
        daemon.desk.failing = "the site file is wrong"
        assert main(["reload", "--json", "--site", str(site)]) == 1
        shown = capsys.readouterr()
        refusal = "the reload is refused, the site stays as it was: the site file is wrong"
        assert (shown.out, json.loads(shown.err)) == ("", {"error": refusal})

    def test_the_calls_that_are_here_while_no_new_ones_are_taken(
        self, site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(daemon.desk, "status", lambda: replace(STATUS, ending=True))
        assert main(["calls", "--site", str(site)]) == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("no new calls are taken")
        assert main(["calls", "--json", "--site", str(site)]) == 0
        assert json.loads(capsys.readouterr().out) == to_plain([CALL])

    def test_a_refused_reload_says_so_before_the_reasons(
        self, site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]
    ) -> None:
        daemon.desk.failing = "one\ntwo"
        assert main(["reload", "--site", str(site)]) == 1
        assert capsys.readouterr().err.splitlines() == [
            "the reload is refused, the site stays as it was:",
            "one",
            "two",
        ]
        assert main(["reload", "--dry-run", "--site", str(site)]) == 1
        assert capsys.readouterr().err.splitlines() == ["the reload would be refused:", "one", "two"]

    @pytest.mark.parametrize(
        "text",
        [
            '[company]\ntime_zone = "Berlin"\n',
            '[company]\ntime_zone = "/etc/passwd"\n',
            '[company]\ntime_zone = 7\n[daemon]\nsocket = "var/control.sock"\nsocket = "twice"\n',
            "[company\n[queues.sales\nring = = 3\n",
            "\x00",
        ],
    )
    @pytest.mark.parametrize("words", [["status"], ["calls"], ["agents"], ["emergency", "close"]])
    def test_a_broken_site_file_takes_no_command_away(
        self, site: Path, capsys: pytest.CaptureFixture[str], text: str, words: list[str]
    ) -> None:
        (site / "callhandler.toml").write_text(text)
        assert main([*words, "--site", str(site)]) == 0, capsys.readouterr().err

    def test_a_table_for_people(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["calls", "--site", str(site)]) == 0
        shown = capsys.readouterr().out
        assert "waiting" in shown
        assert "Ann [bold]Other\\x1b[31m +15550001" in shown
        assert "\x1b" not in shown
        assert "19:47:00" in shown, "18:47 UTC, in the site's zone"
        for words in (
            ["status"],
            ["agents"],
            ["queues"],
            ["agents", "pause", "7001", "--reason", "lunch"],
            ["emergency"],
        ):
            assert main([*words, "--site", str(site)]) == 0
        assert "on break (lunch)" in capsys.readouterr().out

    def test_the_site_may_stand_anywhere(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        named = ["--site", str(site)]
        assert main(["calls", "--json", *named]) == 0
        assert main([*named, "calls", "--json"]) == 0
        assert main(["calls", *named, "hangup", CALL.id]) == 0
        assert main(["calls", *named, "--json"]) == 0
        monkeypatch.delenv("CALLHANDLER_SITE")
        monkeypatch.chdir(site)
        assert main(["queues"]) == 0
        monkeypatch.setenv("CALLHANDLER_SITE", str(site))
        monkeypatch.chdir("/")
        assert main(["queues"]) == 0

    def test_a_refusal_is_one_sentence_and_1(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["agents", "pause", "7001", "--reason", "never", "--site", str(site)]) == 1
        assert capsys.readouterr().err == "agent 7001 may not go on break now\n"
        assert main(["agents", "login", "9", "--site", str(site)]) == 1
        assert capsys.readouterr().err == "there is no agent 9\n"

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["agents", "login", "7001", "--phone", "10 1"], "phone: an id is wanted here: at most 32 letters, digits, - and _"),
            (["calls", "move", CALL.id, ""], "queue: an id is wanted here: at most 32 letters, digits, - and _"),
            (["calls", "hangup", "x" * 5_000], "call: is too long; at most 150 characters are allowed"),
            (["agents", "pause", "7001", "--reason", "\udcff"], "reason: is not UTF-8; write it in UTF-8"),
            (["callbacks", "add", "sales", "1"], "number: is too short; at least 2 characters are wanted"),
        ],
    )  # fmt: skip
    def test_what_the_daemon_can_not_take_is_said_in_words(
        self, site: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
    ) -> None:
        assert main([*words, "--site", str(site)]) == 1
        assert capsys.readouterr().err == f"{says}\n"

    def test_a_refusal_for_machines_is_an_object_and_1(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["agents", "login", "9", "--json", "--site", str(site)]) == 1
        shown = capsys.readouterr()
        assert (shown.out, json.loads(shown.err)) == ("", {"error": "there is no agent 9"})

    def test_live(self, site: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
        def tell() -> None:
            while not daemon.desk.listeners:
                time.sleep(0.01)
            daemon.tell(AgentPaused(at=1_795_286_814.0, agent="7001", reason="lunch\x1b[2J", by="ann"))
            daemon.run(daemon._server.stop())

        for form in ([], ["--json"]):
            telling = threading.Thread(target=tell)
            telling.start()
            assert main(["calls", "--live", *form, "--site", str(site)]) == 3
            telling.join()
            shown = capsys.readouterr()
            assert "the daemon is stopping" in shown.err
            if form:
                assert json.loads(shown.out)["kind"] == "AgentPaused"
            else:
                assert shown.out == "19:46:54  agent 7001                on break (lunch\\x1b[2J) by ann\n"
            daemon.run(daemon._server.start())


class TestWithoutADaemon:
    @pytest.mark.parametrize(
        "words",
        [
            ["status"],
            ["calls"],
            ["agents"],
            ["queues"],
            ["calls", "--live"],
            ["calls", "hangup", "x"],
            ["agents", "logout", "7001"],
            ["reload"],
            ["emergency", "close"],
        ],
    )
    def test_it_is_3(self, site: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
        assert main([*words, "--site", str(site)]) == 3
        sentence = f"the daemon can't be reached at {site}/var/control.sock: it isn't running"
        assert capsys.readouterr().err == sentence + "\n"
        assert main([*words, "--json", "--site", str(site)]) == 3
        shown = capsys.readouterr()
        assert (shown.out, json.loads(shown.err)) == ("", {"error": sentence})

    def test_history_is_read_from_the_journal(self, journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
        named = ["--site", str(journal)]
        assert main(["calls", "--last", "5", "--json", *named]) == 0
        assert [call["id"] for call in json.loads(capsys.readouterr().out)] == [CALL.id]
        assert main(["calls", "1795286814", "--json", *named]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["live"], found["record"]["outcome"]) == (None, "abandoned")
        assert main(["calls", CALL.id, *named]) == 0
        assert main(["calls", "--last", "5", *named]) == 0
        shown = capsys.readouterr().out
        assert "caller hung up" in shown
        assert "\x1b" not in shown

    def test_explain(self, journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["explain", CALL.id, "--site", str(journal)]) == 0
        shown = capsys.readouterr().out
        assert "made again from its inputs it comes out the same" in shown
        assert main(["explain", CALL.id, "--json", "--site", str(journal)]) == 0
        decision = json.loads(capsys.readouterr().out)[0]
        assert decision["same"] is True
        assert [one["rank"] for one in decision["candidates"]][: len(decision["chosen"])] == [1] * len(
            decision["chosen"]
        )

    def test_no_such_call_is_1(self, journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for words in (["calls", "pbx2"], ["calls", "show", "pbx2"], ["calls", "--json", "pbx2"], ["explain", "pbx2"]):
            assert main([*words, "--site", str(journal)]) == 1
            assert "the journal knows no call pbx2" in capsys.readouterr().err

    def test_no_journal_is_1(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["calls", "--last", "3", "--site", str(site)]) == 1
        assert capsys.readouterr().err.startswith("there is no journal yet at")


class TestUsage:
    @pytest.mark.parametrize(
        "words",
        [
            ["nope"], ["status", "--nope"], ["calls", "x", "--live"], ["calls", "--last", "0"], ["calls", "--last", "x"],
            ["agents", "login"], ["agents", "nope"], ["calls", "prioritise", "x"], ["explain"], ["emergency", "perhaps"],
        ],
    )  # fmt: skip
    def test_it_is_2(self, site: Path, words: list[str]) -> None:
        assert main([*words, "--site", str(site)]) == 2

    def test_no_site_is_2(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", "--site", str(tmp_path / "none")]) == 2
        assert "there is no callhandler.toml in" in capsys.readouterr().err.replace("\n", " ")

    def test_a_broken_site_file_does_not_keep_people_from_looking(self, site: Path) -> None:
        (site / "callhandler.toml").write_bytes(b"\xff[[[")
        assert main(["status", "--site", str(site)]) == 3

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("blah", "there is no `blah`; commands are init, up, daemon, check,"),
            ("agents blah", "there is no `blah`; verbs are show, login, logout, pause, resume"),
            ("agents --site x blah", "there is no `blah`; verbs are show, login, logout, pause, resume"),
            ("queues 7", "there is no `7`; verbs are show, checkins, estimate"),
            ("config blah", "there is no `blah`; verbs are schema"),
            ("calls hangpu pbx1-1.0", "there is no `hangpu`; verbs are show, hangup, move, prioritise; the id of a call looks like pbx1-"),
            ("calls blah --help", "there is no `blah`; verbs are show, hangup, move, prioritise; the id of a call looks like pbx1-"),
            ("callbacks --site=x blah", "reschedule, run, promises, figures, export; the id of a call looks like pbx1-"),
        ],
    )  # fmt: skip
    @pytest.mark.usefixtures("site")
    def test_what_is_no_verb_is_answered_with_those_that_are(
        self, capsys: pytest.CaptureFixture[str], words: str, says: str
    ) -> None:
        assert main(words.split()) == 2
        assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())

    @pytest.mark.parametrize(
        ("words", "first"),
        [
            ([], None),
            (["--json"], None),
            (["--site", "x"], None),
            (["--site", "x", "hangup"], "hangup"),
            (["--site=x", "a", "b"], "a"),
        ],
    )
    def test_the_first_word(self, words: list[str], first: str | None) -> None:
        assert first_word(words) == first


def test_an_error_of_our_own_is_one_sentence(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callhandler.control.client.Client.status", lambda _self: 1 / 0)
    assert main(["status", "--site", str(site)]) == 1
    assert (
        capsys.readouterr().err
        == "callhandler itself failed (ZeroDivisionError: division by zero); CALLHANDLER_DEBUG=1 shows where\n"
    )


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize(
    "words", [["status"], ["calls", "--json"], ["agents"], ["calls", "--last", "5"], ["explain", CALL.id]]
)
def test_each_answers_quickly_and_imports_little(journal: Path, words: list[str]) -> None:
    heavy = (
        "fastapi",
        "numpy",
        "sqlalchemy",
        "sqlmodel",
        "uvicorn",
        "httpx",
        "aiomqtt",
        "structlog",
        "panoramisk",
    )
    some = "import asyncio, json, sqlite3, time; print(time.process_time())"
    code = (
        "import sys, time; from callhandler.cli import main; code = main(sys.argv[1:]);"
        f"print([name for name in {heavy!r} if name in sys.modules], time.process_time(), file=sys.stderr); sys.exit(code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "CALLHANDLER_SITE": str(journal)}
    took, usual = [], []
    for _ in range(3):
        usual.append(float(subprocess.check_output([sys.executable, "-c", some])))
        ended = subprocess.run(
            [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, check=True
        )
        imported, seconds = ended.stderr.rsplit("] ", 1)
        assert imported == "[", "nothing heavy is imported"
        took.append(float(seconds))
    # The time of the processor, not of the clock, and measured by what this one takes to begin: other tests may run beside this one.
    assert min(took) < 6 * min(usual), (took, usual)


def test_every_command_is_known_to_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        assert f" {name} " in shown


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"callhandler {__version__}\n"


@pytest.mark.usefixtures("daemon")
def test_agents_fit_a_narrow_terminal_and_tell_more_when_asked(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["agents", "--site", str(site)]) == 0
    narrow = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in narrow.splitlines()) <= 80
    assert "skills" not in narrow
    assert main(["agents", "--wide", "--site", str(site)]) == 0
    assert "skills" in capsys.readouterr().out


@pytest.mark.usefixtures("daemon")
def test_a_bonus_that_takes_time_away_is_refused(site: Path) -> None:
    assert main(["calls", "prioritise", CALL.id, "--bonus", "-5", "--site", str(site)]) == 2
