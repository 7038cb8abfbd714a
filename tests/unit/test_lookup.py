"""Who calls, by number: however it is written, whatever the file is worth, and never a look at it in the daemon's own thread."""
# ruff: noqa: ASYNC240

import asyncio
import threading
from pathlib import Path

import pytest

from callhandler.lookup import CsvLookup, same_number
from callhandler.scripts.house import Customer

ANNA = Customer(name="Anna Berg", tier="gold", agent="7001", language="de")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "customers.csv"
    file.write_text("number,name,tier,agent,language\n030 1234567,Anna Berg,gold,7001,de\n+1 212 555 0100,,,,\n")
    return file


@pytest.mark.parametrize("number", ["0301234567", "+49301234567", "030 123 45 67", "0049301234567"])
async def test_a_number_is_found_however_it_is_written(file: Path, number: str) -> None:
    assert await CsvLookup(file, "DE").find(number) == ANNA


async def test_nothing_is_known_of_others_and_little_of_some(file: Path) -> None:
    lookup = CsvLookup(file, "DE")
    assert await lookup.find("0301234568") is None
    assert await lookup.find("anonymous") is None
    assert await lookup.find("+12125550100") == Customer()


async def test_a_changed_file_is_read_again(file: Path) -> None:
    lookup = CsvLookup(file, "DE")
    assert await lookup.find("0301234567") == ANNA
    file.write_text("number,name\n0301234567,Somebody Else Now\n")
    assert await lookup.find("0301234567") == Customer(name="Somebody Else Now")


async def test_bytes_of_other_encodings_short_rows_and_long_names_are_taken_as_well_as_can_be(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfnumber,name\n0301234567\n0301234568,Jos\xe9\n0301234569," + b"x" * 500 + b"\n")
    lookup = CsvLookup(file, "DE")
    assert await lookup.find("0301234567") == Customer()
    assert await lookup.find("0301234568") == Customer(name="Jos\N{REPLACEMENT CHARACTER}")
    assert await lookup.find("0301234569") == Customer(name="x" * 80)


async def test_a_file_that_is_none_says_so(file: Path) -> None:
    file.write_text("phone;name\n")
    with pytest.raises(ValueError, match="no column `number`"):
        await CsvLookup(file, "DE").find("1")
    with pytest.raises(FileNotFoundError):
        await CsvLookup(file.with_name("none.csv"), "DE").find("1")


async def test_who_gives_up_leaves_the_reading_to_the_next_and_one_reading_is_for_all(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, reads = threading.Event(), []
    load = CsvLookup._load

    def slow(self: CsvLookup) -> dict[str, Customer]:
        reads.append(threading.current_thread().name)
        go.wait(300)
        return load(self)

    monkeypatch.setattr(CsvLookup, "_load", slow)
    lookup = CsvLookup(file, "DE")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await lookup.find("0301234567")
    others = asyncio.gather(*(lookup.find("0301234567") for _ in range(20)))
    await asyncio.sleep(0)
    go.set()
    assert await others == [ANNA] * 20
    assert reads == ["lookup"]


def test_what_is_no_number_stays_as_it_is() -> None:
    assert same_number(" anonymous ", "DE") == "anonymous"
