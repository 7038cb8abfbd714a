"""Who is told of what: a follower names the kinds of facts it heeds, and heeds no less than it asks for."""

import re
from inspect import getsource

import pytest

from callhandler.core import events as e
from callhandler.core.callback_limits import Ledger
from callhandler.core.callbacks import CallingBack
from callhandler.core.calls import Calls
from callhandler.core.closing import Closing
from callhandler.core.estimating import Estimating
from callhandler.core.events import FACTS
from callhandler.core.following import heeding
from callhandler.core.holding import Holding
from callhandler.core.holds import Holds
from callhandler.core.inbox import Inbox, InboxKeeper
from callhandler.core.redials import Redials
from callhandler.core.watch import Watch


@pytest.mark.parametrize(
    ("follower", "books"),
    [
        (Holding, [Holds]),
        (CallingBack, [Ledger]),
        (InboxKeeper, [Inbox]),
        (Redials, []),
        (Closing, []),
        (Estimating, []),
        (Watch, []),
    ],
)
def test_a_follower_heeds_every_kind_of_fact_that_it_or_its_books_look_for(
    follower: type[Holding | CallingBack | InboxKeeper | Redials | Closing | Estimating | Watch], books: list[type]
) -> None:
    source = "".join(getsource(one) for one in (follower, *books))
    asked_for = {*re.findall(r"e\.(\w+)\(\)", source), *re.findall(r"case e\.(\w+)\(", source)}
    asked_for |= {
        name for kinds in re.findall(r"isinstance\(\w+, ([^)]+)\)", source) for name in re.findall(r"\be\.(\w+)", kinds)
    }
    assert asked_for
    assert {FACTS[name] for name in asked_for} <= set(follower.heeds)


def test_who_is_told_keeps_the_order_in_which_they_follow() -> None:
    keeper, redials = InboxKeeper(), Redials(Calls(), lambda: 0.0)
    told = heeding([keeper, redials])
    assert told[e.CallConnected] == (keeper, redials)
    assert told[e.CallArrived] == (keeper,)
    assert told[e.KeyPressed] == ()
    assert told.keys() == set(FACTS.values())
