"""Every kind of fact becomes a row and comes back the same; what can't be read is left alone."""

import json
import math
from dataclasses import fields
from enum import Enum
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callhandler.core.events import FACTS, CallArrived, CallEntered, CallKeptRinging, Fact, LookupFailed, WrapUpStarted
from callhandler.store.encoding import decode, encode

TIMES = st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000)
# What Python makes of bytes that are no UTF-8 are halves of surrogate pairs, U+DC80 to U+DCFF.
ODD = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF) | st.characters(max_codepoint=0x1F)
TEXTS = st.text(max_size=40) | st.text(ODD, max_size=4)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def _values(hint: object) -> st.SearchStrategy[object]:
    if hint is str:
        return TEXTS
    if hint is float:
        return NUMBERS
    if hint == float | None:
        return st.none() | NUMBERS
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return st.from_type(hint)  # type: ignore[arg-type]  # int, bool, T | None


def _of_kind(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{f.name: TIMES if f.name == "at" else _values(hints[f.name]) for f in fields(kind)})


@given(st.sampled_from(sorted(FACTS)).flatmap(lambda name: _of_kind(FACTS[name])))
def test_every_fact_comes_back_the_same(fact: Fact) -> None:
    assert decode(encode(fact, "pbx1")) == fact


@pytest.mark.parametrize("name", sorted(FACTS))
def test_every_kind_is_tried(name: str) -> None:
    @settings(max_examples=20)
    @given(_of_kind(FACTS[name]))
    def round_trip(fact: Fact) -> None:
        row = encode(fact, "pbx1")
        assert row.kind == name
        assert decode(row) == fact
        assert not [text for text in row if isinstance(text, str) and "\0" in text.encode().decode()]

    round_trip()


def test_who_was_kept_ringing_before_it_was_written_why_is_read_all_the_same() -> None:
    fact = CallKeptRinging(at=1.0, call="pbx1-1.0")
    old = encode(fact, "pbx1")._replace(details="{}")
    assert (decode(old), fact.late) == (fact, None)


def test_a_row_is_readable() -> None:
    fact = CallEntered(
        at=12.3456, call="pbx1-1.0", queue="sales", entered=12.3456, priority=5, bonus=0.0, wants="billing >= 3"
    )
    row = encode(fact, "pbx1")
    assert (row.at, row.kind, row.version, row.node, row.call, row.queue) == (
        12346,
        "CallEntered",
        1,
        "pbx1",
        "pbx1-1.0",
        "sales",
    )
    assert json.loads(row.details)["wants"] == "billing >= 3"
    assert "call" not in json.loads(row.details)


def test_names_stay_readable_in_the_database() -> None:
    fact = CallArrived(
        at=1.0, call="a", channel="c", number="5000", caller_number="1", caller_name="Zoë Ångström", source="pstn"
    )
    assert "Zoë Ångström" in encode(fact, "pbx1").details


def test_unknown_kinds_newer_versions_and_odd_fields_are_left_alone() -> None:
    row = encode(LookupFailed(at=1.0, call="a", reason="slow"), "pbx1")
    assert decode(row._replace(kind="CallTeleported")) is None
    assert decode(row._replace(version=2)) is None
    assert decode(row._replace(call=None)) is None
    for details in ("", "[]", "7", '{"call": 7}', "[" * 100_000):
        assert decode(row._replace(details=details)) is None


def test_fields_that_were_added_later_take_their_defaults() -> None:
    fact = CallEntered(at=1.0, call="a", queue="q", entered=1.0, priority=5, bonus=0.0, wants="")
    row = encode(fact, "pbx1")
    details = json.loads(row.details)
    del details["preferred_agent"]
    assert decode(row._replace(details=json.dumps(details))) == fact


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf])
def test_a_fact_that_no_row_can_hold_says_what_it_was(at: float) -> None:
    row = encode(WrapUpStarted(at=at, agent="7001", call="a", queue="q", until=1.0), "pbx1")
    assert (row.version, row.agent) == (0, "7001")
    assert "WrapUpStarted" in row.details
    assert decode(row) is None
