"""Callbacks in the journal: on the disk itself before anybody is dialled, found again after a crash, and told of as records."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from callhandler.core import events as e
from callhandler.core.callback import LONGEST_OPEN
from callhandler.core.model import Outcome
from callhandler.store import database
from callhandler.store.callbacks import asked_between, callbacks_of
from callhandler.store.journal import Journal
from callhandler.store.queries import last_calls
from callhandler.store.sources import open_source

URL = "sqlite:///journal.db"
START = 1_795_000_000.0


def asked(call: str, at: float, number: str = "+12025550123", **more: float | None) -> e.CallbackRequested:
    return e.CallbackRequested(
        at=at,
        call=call,
        queue="sales",
        number=number,
        confirmed=True,
        entered=at - 60.0,
        priority=5,
        bonus=0.0,
        wants="",
        language="en",
        caller_name="Ann",
        due=more.get("due"),
        promise=more.get("promise"),
        expires=at + 86_400.0,
        reason="asked",
        by="caller",
    )


def dialled(call: str, at: float, attempt: int = 1) -> e.CallbackDialled:
    return e.CallbackDialled(
        at=at, call=call, leg=f"{call}-d{attempt}", agent="7001", number="+12025550123", attempt=attempt
    )


def ended(call: str, at: float, result: str = "done", talked: float = 0.0) -> e.CallbackEnded:
    return e.CallbackEnded(at=at, call=call, result=result, reason="", talked=talked)


def over(call: str, at: float) -> e.CallEnded:
    return e.CallEnded(at=at, call=call, outcome=Outcome.CALLBACK, reason="")


async def test_an_attempt_is_written_past_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, levels = database.synced, []

    def seen(connection: Connection, each_commit: bool) -> None:
        real(connection, each_commit)
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        levels.append(driver.execute("PRAGMA synchronous").fetchone()[0])

    monkeypatch.setattr(database, "synced", seen)
    async with Journal(URL, "pbx1", tmp_path) as journal:
        journal.append(asked("a", START))
        assert await journal.flush()
        assert levels == []
        journal.append(dialled("a", START + 1))
        assert await journal.commit()
        assert levels == [2, 1], "FULL for this commit, NORMAL again after it"
        with sqlite3.connect(tmp_path / "journal.db") as other:
            assert other.execute("SELECT count(*) FROM fact").fetchone() == (2,)
        other.close()


async def test_the_spool_is_on_disk_too_and_memory_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OSError("no space left on device")

    async with Journal(URL, "pbx1", tmp_path, retry=0.01) as journal:
        monkeypatch.setattr(database.Database, "write", fails)
        journal.append(dialled("a", START))
        assert await journal.commit(), "in the spool, which is synced"
        monkeypatch.setattr("callhandler.store.spool.Spool.append", fails)
        journal.append(dialled("b", START))
        assert not await journal.commit()
        monkeypatch.undo()


async def test_what_is_open_is_found_again_with_all_that_the_caps_count(tmp_path: Path) -> None:
    async with Journal(URL, "pbx1", tmp_path) as journal:
        for fact in (
            asked("old", START - 90_000),
            over("old", START - 89_990),
            dialled("old", START - 89_000),
            ended("old", START - 88_000),
            asked("done", START - 3_000),
            over("done", START - 2_990),
            dialled("done", START - 2_900),
            ended("done", START - 2_000, talked=30.0),
            e.CallArrived(
                at=START - 1_000,
                call="open",
                channel="PJSIP/x-1",
                number="5000",
                caller_number="",
                caller_name="",
                source="trunk:pstn",
            ),
            asked("open", START - 900),
            over("open", START - 890),
            dialled("open", START - 100),
        ):
            journal.append(fact)
        found = await journal.recover(START, START - 10_000)
    calls = [(type(fact).__name__, getattr(fact, "call", None)) for fact in found.facts]
    assert calls == [
        ("CallbackRequested", "done"),
        ("CallbackDialled", "done"),
        ("CallbackEnded", "done"),
        ("CallArrived", "open"),
        ("CallbackRequested", "open"),
        ("CallEnded", "open"),
        ("CallbackDialled", "open"),
    ]


async def test_one_that_was_promised_for_after_a_week_of_holidays_is_still_known(tmp_path: Path) -> None:
    async with Journal(URL, "pbx1", tmp_path) as journal:
        for fact in (
            asked("weeks ago", START - LONGEST_OPEN, due=START + 600.0),
            over("weeks ago", START - LONGEST_OPEN + 5.0),
        ):
            journal.append(fact)
        found = await journal.recover(START, START - 10_000)
    assert [type(fact).__name__ for fact in found.facts] == ["CallbackRequested", "CallEnded"]


async def test_records(tmp_path: Path) -> None:
    async with Journal(URL, "pbx1", tmp_path) as journal:
        for fact in (
            asked("a", START, due=START + 900, promise=START + 1_800),
            dialled("a", START + 1_000),
            e.PromiseSettled(at=START + 1_000, call="a", promise=START + 1_800, kept=True, late=0.0),
            e.CallbackAttemptEnded(at=START + 1_030, call="a", leg="a-d1", attempt=1, reason="no answer"),
            e.CallbackRescheduled(at=START + 1_030, call="a", due=START + 1_630, reason="no answer"),
            dialled("a", START + 1_700, 2),
            e.CallConnected(at=START + 1_720, call="a", leg="a-o2", agent="7001", queue="sales", waited=1_780.0),
            ended("a", START + 1_800, talked=80.0),
            asked("b", START + 10, number="+12025550124"),
            e.CallbackRescheduled(at=START + 20, call="b", due=START + 50, reason="said Ann", promise=START + 950),
        ):
            journal.append(fact)
        await journal.flush()
    with open_source(URL, tmp_path) as source:
        (record,) = callbacks_of(source, "a")
        both = [record for call in asked_between(source, START, START + 60) for record in callbacks_of(source, call)]
        assert callbacks_of(source, "nobody") == []
    assert [attempt.result for attempt in record.attempts] == ["no answer", None]
    assert (record.result, record.kept, record.talked, record.agent) == ("done", True, 80.0, "7001")
    assert record.response == 1_780.0
    assert record.saved == 1_720.0
    assert [(one.call, one.result, one.promise) for one in both] == [
        ("a", "done", START + 1_800),
        ("b", None, START + 950),
    ]


async def test_one_added_by_hand_has_a_caller_and_saves_nobody_a_wait(tmp_path: Path) -> None:
    by_hand = replace(asked("a", START), entered=START, reason=e.ADDED_BY_HAND, by="callhandler")
    async with Journal(URL, "pbx1", tmp_path) as journal:
        for fact in (
            by_hand,
            over("a", START),
            e.CallConnected(at=START + 90, call="a", leg="a-o1", agent="7001", queue="sales", waited=90.0),
            ended("a", START + 180, talked=90.0),
        ):
            journal.append(fact)
        await journal.flush()
    with open_source(URL, tmp_path) as source:
        (record,) = callbacks_of(source, "a")
        (call,) = last_calls(source, 1)
    assert (record.response, record.saved) == (90.0, None)
    assert (call.caller_number, call.caller_name, call.outcome) == ("+12025550123", "Ann", Outcome.CALLBACK)
