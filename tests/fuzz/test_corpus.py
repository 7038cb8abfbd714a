"""Every target keeps its contract: on all inputs of its corpus, where whatever failed once is kept, and on some bred from one seed."""

import asyncio
import time
from collections.abc import Iterator
from itertools import accumulate, count

import pytest

from tests.fuzz import engine
from tests.fuzz.engine import CORPUS, Target, escaped, inputs, tried, unescaped
from tests.fuzz.running import quiet, run
from tests.fuzz.targets import TARGETS


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet():
        yield


@pytest.mark.parametrize("name", TARGETS)
def test_contract(name: str) -> None:
    target = TARGETS[name]
    for some in (target.corpus(), inputs(target, 10 + 3_000 // target.cost, seed=7)):
        outcome = tried(target, iter(some))
        assert [f"{where} {what}: {escaped(data)}" for where, (what, data) in outcome.failures.items()] == []


def test_each_corpus_is_a_targets() -> None:
    assert {path.stem for path in CORPUS.iterdir()} == set(TARGETS)


def test_inputs_can_be_had_again_and_written_down() -> None:
    target = TARGETS["agi_reply"]
    some = list(inputs(target, 500, seed=1))
    assert some == list(inputs(target, 500, seed=1))
    assert some != list(inputs(target, 500, seed=2))
    for data in (*some, b"", b"#", b"\n\r\\\x00\xff", bytes(range(256))):
        assert unescaped(escaped(data)) == data
        assert "\n" not in escaped(data)
        assert not escaped(data).startswith("#")


def test_what_fails_or_hangs_is_told_with_its_input_and_the_rest_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "TOO_LONG", 0.25)
    later = accumulate(count())  # the machine gets slower and slower: each input takes longer than all before
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(later)))

    def check(data: bytes) -> None:
        while data == b"hangs":
            pass
        assert data != b"fails", "why"

    outcome = tried(Target("x", "", check), iter([b"good", b"fails", b"good", b"hangs", b"fails"]))
    assert (outcome.inputs, outcome.hangs) == (5, 1)
    assert sorted(where.partition(" ")[0] for where in outcome.failures) == ["AssertionError", "Hang"]
    assert [data for _, data in outcome.failures.values()] == [b"fails", b"hangs"]
    assert next(iter(outcome.failures.values()))[0].startswith("why")


def test_what_waits_for_ever_fails_at_once() -> None:
    with pytest.raises(TimeoutError):
        run(asyncio.sleep(1e9))
    with pytest.raises(TimeoutError):
        run(asyncio.Event().wait())
