"""The names of the locks of calls: one for all phones of a call, none for two calls, and used again."""

import random

import pytest

from callhandler.asterisk.locks import RESTING, Locks


def test_all_phones_of_a_call_have_one_name_and_no_other_call_has_it() -> None:
    locks = Locks()
    assert locks.name("a", "a1") == locks.name("a", "a2")
    assert locks.name("b", "b1") != locks.name("a", "a3")


def test_another_daemon_has_other_names() -> None:
    assert Locks().name("a", "a1") != Locks().name("a", "a1")


def test_names_are_used_again_so_that_many_calls_need_few() -> None:
    locks = Locks()
    names = set()
    for n in range(10 * RESTING):
        names.add(locks.name(f"call {n}", f"leg {n}"))
        locks.over(f"leg {n}")
    assert len(names) == RESTING


def test_no_name_is_used_again_as_long_as_a_leg_lives_or_at_once() -> None:
    locks = Locks()
    held = locks.name("talks", "t1")
    locks.name("talks", "t2")
    locks.over("t2")
    locks.over("t2")
    last = ""
    for n in range(3 * RESTING):
        name = locks.name(f"call {n}", f"leg {n}")
        assert name not in (held, last)
        locks.over(f"leg {n}")
        last = name
    assert locks.name("talks", "t3") == held


def test_what_is_not_there_any_more_after_a_gap_is_over() -> None:
    locks = Locks()
    lost, kept = locks.name("lost", "l1"), locks.name("kept", "k1")
    locks.snapshot({"k1": kept})
    names = set()
    for n in range(2 * RESTING):
        names.add(locks.name(f"call {n}", f"leg {n}"))
        locks.over(f"leg {n}")
    assert lost in names
    assert kept not in names


def test_the_end_of_a_channel_that_is_no_leg_says_nothing() -> None:
    locks = Locks()
    locks.over("somebody")
    assert locks.name("a", "a1")


def test_a_call_that_a_daemon_before_rings_phones_for_keeps_its_name() -> None:
    before, after = Locks(), Locks()
    rings, talks = before.name("rings", "rings-o1"), before.name("talks", "talks-o1")
    after.snapshot({"rings": "", "rings-o1": rings, "talks-o1": talks})
    assert after.name("rings", "rings-o2") == rings
    after.over("rings-o1")
    assert after.name("rings", "rings-o3") == rings
    assert after.name("new", "new-o1") not in (rings, talks)


def test_what_a_daemon_before_left_is_given_back_too() -> None:
    before, after = Locks(), Locks()
    left = {f"call {n}-o1": before.name(f"call {n}", f"call {n}-o1") for n in range(RESTING)}
    after.snapshot(left)
    for leg in left:
        after.over(leg)
    assert after.name("new", "new-o1") in left.values()


def test_two_names_of_one_call_and_two_calls_of_one_name_are_kept_apart() -> None:
    one, two, after = Locks(), Locks(), Locks()
    a, b = one.name("call", "call-o1"), two.name("call", "call-o2")
    after.snapshot({"call-o1": a, "call-o2": b, "other-o1": a})
    assert after.name("call", "call-o3") == a
    assert after.name("other", "other-o2") not in (a, b)


def test_a_name_that_rests_is_taken_out_when_it_turns_out_to_be_in_use() -> None:
    locks = Locks()
    rested = locks.name("call", "call-o1")
    locks.over("call-o1")
    locks.snapshot({"call-o1": rested})
    names = {locks.name(f"other {n}", f"other {n}-o1") for n in range(2 * RESTING)}
    assert rested not in names
    assert locks.name("call", "call-o2") == rested


@pytest.mark.parametrize("name", ["", "call-1", "call-0000000g-1", "call-00000000-1)}${SHELL(x)}", "x\nAction: Ping"])
def test_what_is_no_name_of_ours_is_never_taken_up(name: str) -> None:
    locks = Locks()
    locks.snapshot({"call-o1": name})
    assert locks.name("call", "call-o2") != name


@pytest.mark.parametrize("seed", range(30))
def test_through_ends_gaps_and_restarts_each_living_call_has_one_name_of_its_own(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callhandler.asterisk.locks.RESTING", 4)
    chance, locks = random.Random(seed), Locks()
    living: dict[str, tuple[str, str]] = {}
    for number in range(300):
        call = f"call {chance.randrange(6)}"
        match chance.choices(["rings", "ends", "gap", "restart"], [9, 8, 1, 1])[0]:
            case "rings":
                living[f"{call}-o{number}"] = (call, locks.name(call, f"{call}-o{number}"))
            case "ends" if living:
                leg = chance.choice(list(living))
                del living[leg]
                locks.over(leg)
            case what:
                locks = Locks() if what == "restart" else locks
                living = {leg: held for leg, held in living.items() if chance.random() < 0.5}
                locks.snapshot({"nobody's": "", **{leg: name for leg, (_, name) in living.items()}})
        pairs = set(living.values())
        assert len({call for call, _ in pairs}) == len({name for _, name in pairs}) == len(pairs)
    for leg in living:
        locks.over(leg)
    assert not locks._names and not locks._legs and not locks._living, "all are given back"
