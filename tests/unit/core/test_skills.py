"""Skill expressions: read, printed, matched, refused with a caret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.skills import ANYONE, All, Any_, Expression, Node, SkillSyntaxError, Want, both, parse

SKILLS = st.sampled_from(["billing", "sales", "spanish", "italian", "x_1"])
WANTS = st.builds(Want, SKILLS, st.sampled_from([">=", ">", "<=", "<", "==", "!="]), st.integers(1, 10))
NODES: st.SearchStrategy[Node] = st.recursive(
    WANTS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Any_(tuple(parts))),
    ),
    max_leaves=8,
)
LEVELS = st.dictionaries(SKILLS, st.integers(1, 10))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("", ""),
        ("  ", ""),
        ("billing", "billing"),
        ("billing>=1", "billing"),
        ("billing >=3 and(spanish or italian>= 2)", "billing >= 3 and (spanish or italian >= 2)"),
        ("a and (b and c)", "a and b and c"),
        ("(a or (b or c))", "a or b or c"),
        ("a or b and c", "a or b and c"),
    ],
)
def test_is_printed_as_short_as_can_be(text: str, printed: str) -> None:
    assert parse(text).text == printed


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("billing >= and x", 11, "expected a level from 1 to 10 here"),
        ("billing >= 11", 11, "levels go from 1 to 10, not 11"),
        ("billing >= 0", 11, "levels go from 1 to 10, not 0"),
        ("billing = 3", 8, "compare with >=, >, <=, <, == or !="),
        ("and billing", 0, "expected a skill here"),
        ("Billing", 0, "skills are written in small letters: billing"),
        ("(a or b", 0, "this parenthesis is never closed"),
        ("a b", 2, "expected `and`, `or` or the end here"),
        ("a or", 4, "expected a skill here"),
        ("a & b", 2, "'&' has no meaning here"),
        ("3 <= a", 0, "expected a skill here"),
        ("a and not b", 10, "expected `and`, `or` or the end here"),
        ("(" * 21 + "a" + ")" * 21, 20, "parentheses go at most 20 deep"),
    ],
)
def test_mistakes_are_shown_with_a_caret(text: str, position: int, problem: str) -> None:
    with pytest.raises(SkillSyntaxError) as refused:
        parse(text)
    assert (refused.value.position, refused.value.problem) == (position, problem)
    line, caret = str(refused.value).splitlines()[1:]
    assert line.strip() == text.strip()
    assert caret.index("^") == 2 + position


def test_is_not_read_when_too_long() -> None:
    with pytest.raises(SkillSyntaxError, match="at most 1000 characters"):
        parse("a or " * 300 + "a")


@pytest.mark.parametrize("text", ["spanish < 3", "spanish != 3", "spanish <= 10", "spanish"])
def test_a_missing_skill_is_not_zero(text: str) -> None:
    assert not parse(text).matches({"english": 5})


@given(NODES)
def test_what_is_printed_reads_back_the_same(node: Node) -> None:
    printed = str(node)
    assert parse(printed).text == printed


@given(NODES, LEVELS)
def test_printing_changes_no_meaning(node: Node, levels: dict[str, int]) -> None:
    assert parse(str(node)).matches(levels) == node.matches(levels)


@given(NODES, NODES, LEVELS)
def test_both_wants_what_both_want(first: Node, second: Node, levels: dict[str, int]) -> None:
    one, two = Expression(str(first), first), Expression(str(second), second)
    together = both(one, two)
    assert together.matches(levels) == (one.matches(levels) and two.matches(levels))
    assert parse(together.text).text == together.text


@given(NODES)
def test_wanting_twice_is_wanting_once(node: Node) -> None:
    one = Expression(str(node), node)
    assert both(one, one) == one
    assert both(both(one, parse("other")), one) == both(one, parse("other"))
    assert both(one, ANYONE) == both(ANYONE, one) == one


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except SkillSyntaxError as refused:
        assert 0 <= refused.position <= len(text)


def test_the_score_is_the_sum_of_the_skills_named() -> None:
    wanted = parse("billing >= 3 and (spanish or italian)")
    assert wanted.score({"billing": 4, "italian": 2, "english": 9}) == 6
    assert wanted.skills() == {"billing", "spanish", "italian"}
    assert ANYONE.score({"english": 9}) == 0
