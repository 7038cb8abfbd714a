"""What is typed wrong, and terminals that can't show everything: a sentence or an escape, never a traceback."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from callhandler.cli import main
from callhandler.cli.streams import prepare
from tests.unit.cli.journals import kept

NOT_UTF_8 = "pbx\udcff"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CALLHANDLER_SITE", raising=False)
    (tmp_path / "callhandler.toml").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("calls --last 0", "`0` is no whole number from 1 to 10,000"),
        ("calls --last many", "`many` is no whole number from 1 to 10,000"),
        ("calls --last 1.5", "`1.5` is no whole number from 1 to 10,000"),
        (f"calls --last {'9' * 5_000}", f"`{'9' * 39}…` is no whole number from 1 to 10,000"),
        ("calls prioritise x --priority 11", "`11` is no whole number from 1 to 10"),
        ("calls prioritise x --bonus nan", "`nan` is no number from 0 to 86,400"),
        ("callbacks figures --days nan", "`nan` is no number from 0.01 to 3,660"),
        ("callbacks export --days inf", "`inf` is no number from 0.01 to 3,660"),
        ("queues checkins --hours x", "`x` is no whole number from 1 to 10,000"),
        ("callbacks promises --days ...", "`...` is no whole number from 1 to 3,660"),
        ("up --grace nan", "`nan` is no number from 0 to 86,400"),
        (f"callbacks reschedule x {'9' * 5_000}", f"`{'9' * 39}…` is no time such as 15:30"),
    ],
)
def test_a_number_that_is_none_is_answered_with_those_that_are(
    site: Path, capsys: pytest.CaptureFixture[str], words: str, says: str
) -> None:
    assert main([*words.split(), "--site", str(site)]) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize("words", [["explain"], ["holdproof"], ["calls", "show"], ["callbacks", "show"]])
def test_what_is_not_utf_8_is_named(site: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    (site / "var").mkdir()
    kept(site, [])
    assert main([*words, NOT_UTF_8, "--site", str(site)]) == 2
    assert capsys.readouterr().err == "`pbx\\udcff` is not UTF-8; write it in UTF-8\n"


def test_letters_that_a_terminal_lacks_come_as_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="iso8859-1", errors="strict"))
    assert main(["init", str(tmp_path / "Müller ☎")]) == 0
    sys.stdout.flush()
    assert b"M\xfcller \\u260e" in written.getvalue()


def test_a_stream_that_is_closed_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    prepare()
    with sys.stdout, sys.stderr:
        sys.stdout.write("to nobody")
        sys.stderr.write("to nobody")


def test_a_full_disk_behind_standard_output_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "callhandler", "config", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
    assert ended.stderr.startswith("there is no room left on the disk that is written to")
    assert ended.returncode == 1
