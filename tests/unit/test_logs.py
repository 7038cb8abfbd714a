"""The log: what it hides, and that nothing in it begins a line of its own."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callhandler import logs

NASTY = st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "L", "P"]), max_size=40)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [one for one in root.handlers if type(one.formatter).__name__ == "ProcessorFormatter"]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


def test_secrets_are_never_logged_and_people_are_shortened(tmp_path: Path) -> None:
    file, terminal = tmp_path / "log" / "x.log", io.StringIO()
    logs.configure(file, terminal)
    logs.log("ami").info(
        "call came", caller_number="+15550123", name="Grace", pin="4711", deep={"secret": "s3cret", "number": "5000"}
    )
    line = json.loads(file.read_text())
    assert line["caller_number"] == "…23"
    assert line["name"] == "G…"
    assert line["pin"] == "***"
    assert line["deep"] == {"secret": "***", "number": "…00"}
    assert (line["event"], line["level"], line["part"]) == ("call came", "info", "ami")
    assert "s3cret" not in terminal.getvalue()
    assert "15550123" not in terminal.getvalue()


def test_an_operator_may_see_numbers_but_no_secrets(tmp_path: Path) -> None:
    logs.configure(tmp_path / "x.log", redact=False)
    logs.log("ami").info("call came", caller_number="+15550123", password="s3cret")
    line = json.loads((tmp_path / "x.log").read_text())
    assert (line["caller_number"], line["password"]) == ("+15550123", "***")


def test_libraries_log_the_same_way(tmp_path: Path) -> None:
    logs.configure(tmp_path / "x.log")
    logging.getLogger("uvicorn.error").info("not this")
    logging.getLogger("elsewhere").warning("something %s", "odd\nlevel=error")
    assert json.loads((tmp_path / "x.log").read_text())["event"] == "something odd\nlevel=error"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(NASTY, NASTY)
def test_no_value_is_a_line_of_its_own(tmp_path: Path, event: str, value: str) -> None:
    file, terminal = tmp_path / "x.log", io.StringIO()
    file.unlink(missing_ok=True)
    logs.configure(file, terminal)
    logs.log("x").warning(event, value=value, name=value)
    logs.log("x").warning("end")
    assert len(file.read_text().splitlines()) == 2
    assert len(terminal.getvalue().splitlines()) == 2
    assert "\x1b" not in terminal.getvalue()
    assert json.loads(file.read_text().splitlines()[0])["value"] == value


def test_a_traceback_is_marked_as_one() -> None:
    terminal = io.StringIO()
    logs.configure(None, terminal)
    try:
        raise ValueError("bad\n2026-01-01 [info] all is well")
    except ValueError:
        logs.log("x").exception("failed")
    assert all(line.startswith("  | ") for line in terminal.getvalue().splitlines()[1:])


def test_a_moved_log_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "x.log"
    logs.configure(file)
    logs.log("x").info("one")
    file.rename(tmp_path / "x.log.1")
    logs.log("x").info("two")
    assert json.loads(file.read_text())["event"] == "two"
