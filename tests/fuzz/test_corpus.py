"""Every target keeps its contract: on all inputs of its corpus, where whatever failed once is kept, and on some bred from one seed."""

from collections.abc import Iterator

import pytest

from tests.fuzz import files
from tests.fuzz.engine import CORPUS, escaped, inputs, tried, unescaped
from tests.fuzz.running import quiet
from tests.fuzz.targets import TARGETS


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet():
        yield
    files.clean()


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
