"""The names of the locks of calls: one for all phones of a call, none for two calls, and used again."""

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
    locks.snapshot({"k1"})
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
