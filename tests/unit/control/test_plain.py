"""Between dataclasses and JSON: every fact and view comes back as it was, and what doesn't fit is told."""

import json
from dataclasses import fields
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.events import FACTS, Fact
from callhandler.core.plain import from_plain, printable, to_plain
from callhandler.core.plain_facts import fact_from_plain, fact_to_plain
from callhandler.core.views import AgentView, CallView, StatusView
from tests.unit.control.fake_desk import AGENT, CALL, STATUS


def facts(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    hints = get_type_hints(kind)
    finite = st.floats(allow_nan=False, allow_infinity=False)
    times = {float: finite, float | None: st.none() | finite}  # what isn't a number equals nothing, not even itself
    return st.builds(
        kind,
        **{
            f.name: times[hints[f.name]] if hints[f.name] in times else st.from_type(hints[f.name])
            for f in fields(kind)
        },
    )


@given(st.sampled_from(sorted(FACTS)).flatmap(lambda name: facts(FACTS[name])))
def test_every_fact_comes_back(fact: Fact) -> None:
    assert fact_from_plain(json.loads(json.dumps(fact_to_plain(fact)))) == fact


def test_views_come_back() -> None:
    for view in (CALL, AGENT, STATUS):
        assert from_plain(type(view), json.loads(json.dumps(to_plain(view)))) == view


@pytest.mark.parametrize("plain", [None, [], {}, "x", 7, {"id": 7}, {"id": "x", "state": "dancing"}])
def test_what_does_not_fit_is_told(plain: object) -> None:
    for kind in (CallView, AgentView, StatusView):
        with pytest.raises(ValueError, match=r"."):
            from_plain(kind, plain)  # type: ignore[arg-type]


def test_unknown_fields_of_a_newer_daemon_are_passed_over() -> None:
    plain = to_plain(AGENT)
    assert isinstance(plain, dict)
    assert from_plain(AgentView, {**plain, "mood": "good"}) == AGENT


@given(st.text())
def test_printable_text_is_one_line_and_moves_no_cursor(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)


def test_printable_keeps_what_people_are_called() -> None:
    for name in ("Ann Öther", "山田太郎", "O'Brien", "Łukasz", "محمد"):
        assert printable(name) == name
