"""What the system refuses about a file is one sentence of what, where and what would be right, whichever command was typed."""

import errno
import json
import os
import pwd
from pathlib import Path

import pytest

from callhandler.cli import main
from callhandler.cli.demo_command import _try
from callhandler.cli.files import sentence
from callhandler.site.new import init


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site whose var/ is a file, which nobody can write into, whatever their rights."""
    directory = init(tmp_path / "site", 38_000).loaded.directory
    for folder in ("log", "sounds"):
        (directory / "var" / folder).rmdir()
    (directory / "var").rmdir()
    (directory / "var").write_text("")
    return directory


@pytest.mark.parametrize("command", ["up", "daemon", "certs"])
def test_a_command_says_which_file_is_in_the_way(site: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "--site", str(site)]) == 1
    said = capsys.readouterr().err
    assert f"{site}/var" in said
    assert "a file lies where a folder is wanted" in said
    assert said.count("\n") == 1


def test_machines_get_it_too(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certs", "--json", "--site", str(site)]) == 1
    assert "a file lies where" in json.loads(capsys.readouterr().err)["error"]


def test_the_demo_says_before_it_starts_that_its_result_can_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "away"
    assert main(["demo", "--json", str(away / "x.json"), "--dir", str(tmp_path / "demo")]) == 1
    shown = capsys.readouterr()
    assert shown.err == f"there is no folder {away} for x.json: make it, or name another place\n"
    assert shown.out == ""


def test_a_result_in_the_demo_s_own_empty_folder_is_none_that_is_in_the_way(tmp_path: Path) -> None:
    _try(tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_the_demo_works_in_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert main(["demo", "--dir", str(tmp_path / "file")]) == 2


def test_without_rights_it_says_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me, mine = pwd.getpwuid(os.geteuid()).pw_name, tmp_path / "var" / "up.lock"
    said = sentence(_error(errno.EACCES, mine))
    assert said == f"{mine} can't be used by the user {me}: give it the rights, on {tmp_path} too"
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000_000)  # a test can't become somebody else
    said = sentence(_error(errno.EACCES, mine))
    rights = f"{tmp_path} belongs to {me}; run this as that user, or give this one the rights"
    assert said == f"{mine} can't be used by the user 4000000000: {rights}"


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "no room left"),
        (errno.EROFS, "read-only"),
        (errno.EISDIR, "is a folder"),
        (errno.ENOENT, "there is no "),
        (errno.EIO, "can't be used: "),
    ],
)
def test_each_other_trouble_names_the_file(tmp_path: Path, number: int, says: str) -> None:
    said = sentence(_error(number, tmp_path / "x"))
    assert said is not None
    assert says in said
    assert str(tmp_path / "x") in said


def test_a_name_that_is_too_long_is_not_repeated_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "x" * 5_000]) == 1
    said = capsys.readouterr().err
    assert len(said) < 150
    assert "is too long, with 5000 characters; name a shorter one" in said


def test_what_is_about_no_file_is_none_of_them() -> None:
    assert sentence(ConnectionResetError(errno.ECONNRESET, "reset")) is None
    assert sentence(OSError("something")) is None


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
