"""What is said of waiting times comes true, in centres of all kinds: four of five callers, and most callers are told something."""

import pytest

from callhandler.core import events as e
from callhandler.core.estimates import Estimate
from callhandler.core.estimating import Estimating
from callhandler.core.model import Queue
from tests.unit.core.world import agent
from tests.unit.simulation.clockwork import Clockwork, Kind


class Told(Clockwork):
    """A centre in which everybody who has to wait is told how long, where that may be said."""

    def __init__(self, agents: int, kind: Kind, seed: int) -> None:
        self.open: dict[str, tuple[float, Estimate | None]] = {}
        self.silent, self.right, self.wrong = 0, 0, 0
        super().__init__([Queue("q", "Queue", wrap_up=0.0)], [agent(f"a{n}") for n in range(agents)], [kind], seed)
        self.estimating = Estimating(self.board.line.books)
        self.board.followed_by(self.estimating)

    def append(self, fact: e.Fact) -> None:
        """Tell, and see what becomes of it."""
        super().append(fact)
        match fact:
            case e.EstimateMade():
                self.open[fact.call] = (fact.at, self.estimating.trusted(fact.call, fact.at))
            case e.CallConnected() | e.CallAbandoned() if fact.call in self.open:
                at, told = self.open.pop(fact.call)
                late = told is not None and told.most is not None and fact.at - at > told.most
                self.silent += told is None
                self.wrong += late
                self.right += told is not None and not late and isinstance(fact, e.CallConnected)


@pytest.mark.parametrize(
    ("agents", "load", "talk", "patience"),
    [(2, 0.8, 300.0, None), (5, 0.9, 240.0, None), (5, 1.1, 240.0, 300.0), (10, 0.95, 200.0, None)],
)
def test_four_of_five_were_answered_within_what_was_said(
    agents: int, load: float, talk: float, patience: float | None
) -> None:
    centre = Told(agents, Kind("q", agents * load / talk, talk, patience), 7)
    for _ in centre.run(0.0, 1, 150_000.0):
        pass
    told = centre.right + centre.wrong
    assert told > 400
    assert centre.right / told >= 0.8
    assert centre.silent / (told + centre.silent) < 0.15
