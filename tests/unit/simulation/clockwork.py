"""Queueing theory's world in virtual time, run by the real Switchboard: phones that answer at once, talk and patience as drawn.

No asyncio, no sleeping: one heap holds the switchboard's own timers and what callers and agents do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.model import AgentPlan, Device, OfferRules, Plan, Queue
from callhandler.core.ports import BriefCall, DialLeg, OfferLeg, SpokenWord
from callhandler.core.skills import parse
from callhandler.switchboard import Switchboard

Luck = list[list[float]]
"""What chance did in a batch, by kind: callers and seconds of talk more than expected. Its own expectation is exactly 0."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of caller: which queue, how many a second, mean talk and mean patience in seconds (None: never gives up)."""

    queue: str
    rate: float
    talk: float
    patience: float | None = None
    wants: str = ""


@dataclass(slots=True)
class Tally:
    """What came of the callers of one kind, from the end of the warm-up on."""

    arrived: int = 0
    blocked: int = 0
    abandoned: int = 0
    answered: int = 0
    waited: int = 0
    wait: float = 0.0
    within: int = 0
    by_agent: dict[str, int] = field(default_factory=dict)

    @property
    def entered(self) -> int:
        """Return how many were let in."""
        return self.answered + self.abandoned


class Clockwork:
    """A switchboard among Poisson callers; also its Asterisk and its journal."""

    def __init__(
        self,
        queues: list[Queue],
        agents: list[AgentPlan],
        kinds: list[Kind],
        seed: int,
        threshold: float = 20.0,
        places: int | None = None,
    ) -> None:
        """`threshold` is the service level's seconds, `places` the most who may wait at once, all queues together."""
        self.now = 0.0
        self.kinds = kinds
        self.tallies = [Tally() for _ in kinds]
        self.busy: dict[str, float] = dict.fromkeys((agent.id for agent in agents), 0.0)
        self._luck = [[0.0, 0.0] for _ in kinds]
        self._random = Random(seed)
        self._threshold = threshold
        self._places = places
        self._heap: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._count = 0
        self._kind_of: dict[str, int] = {}
        self._entered: dict[str, float] = {}
        self._channels: dict[str, str] = {}
        self._counting = False
        people = {agent.id: agent for agent in agents}
        phones = frozenset(agent.phone for agent in agents if agent.phone)
        plan = Plan({queue.id: queue for queue in queues}, people, phones, OfferRules())
        self.board = Switchboard(plan, self, self, lambda: self.now, self._wake_at, explain=False)
        self.board.observe(o.LinkUp("sim", "", (), tuple(o.PhoneSeen(phone, Device.FREE) for phone in sorted(phones))))
        self.board.seat_at_first_start(0.0)

    # --- running ----------------------------------------------------------------------------------------------------

    def run(self, warm_up: float, batches: int, length: float) -> Iterator[tuple[list[Tally], dict[str, float], Luck]]:
        """Yield, batch by batch of `length` seconds, the tallies of all kinds, each agent's busy share, and what chance did."""
        for kind in range(len(self.kinds)):
            self._next_arrival(kind)
        self._until(warm_up)
        self._counting = True
        for batch in range(1, batches + 1):
            self.tallies = [Tally() for _ in self.kinds]
            self.busy = dict.fromkeys(self.busy, 0.0)
            self._luck = [[-kind.rate * length, 0.0] for kind in self.kinds]
            self._until(warm_up + batch * length)
            yield self.tallies, {agent: busy / length for agent, busy in self.busy.items()}, self._luck

    def _until(self, end: float) -> None:
        heap = self._heap
        while heap and heap[0][0] <= end:
            self.now, _, action, arguments = heappop(heap)
            action(*arguments)
        self.now = end

    def _at(self, when: float, action: Callable[..., None], *arguments: object) -> None:
        self._count += 1
        heappush(self._heap, (when, self._count, action, arguments))

    def _wake_at(self, when: float, key: tuple[str, str]) -> None:
        if key[0] != "lease":  # these phones always answer
            self._at(when, self.board.wake, key)

    # --- callers ----------------------------------------------------------------------------------------------------

    def _next_arrival(self, kind: int) -> None:
        self._at(self.now + self._random.expovariate(self.kinds[kind].rate), self._arrive, kind)

    def _arrive(self, kind: int) -> None:
        self._next_arrival(kind)
        model, tally = self.kinds[kind], self.tallies[kind]
        tally.arrived += 1
        self._luck[kind][0] += 1.0
        books = self.board.line.books
        pool = books.crew.pool(model.queue, books.step_wants(model.queue, parse(model.wants), 0))
        ready = pool.ready(self.now, self.now)
        if self._places is not None and len(books.calls) >= self._places and next(ready, None) is None:
            tally.blocked += 1
            return
        self._count += 1
        call_id = f"{self._count:09}"
        self._kind_of[call_id] = kind
        self.board.record(
            e.CallArrived(at=self.now, call=call_id, channel="", number="", caller_number="", caller_name="", source="")
        )
        call = self.board.calls.here[call_id]
        if model.wants:
            call.attributes["wants"] = model.wants
        if model.patience is not None:
            self._at(self.now + self._random.expovariate(1 / model.patience), self._lose_patience, call_id)
        refused = self.board.enter(call, model.queue)
        assert refused is None

    def _lose_patience(self, call_id: str) -> None:
        call = self.board.calls.here.get(call_id)
        if call is not None and call.leg is None and call.queue is not None:
            self.board.observe(o.ChannelEnded(call_id, 16, ""))

    def _talk_over(self, call_id: str) -> None:
        self.board.observe(o.ChannelEnded(call_id, 16, ""))

    # --- ports ------------------------------------------------------------------------------------------------------

    def offer(self, leg: OfferLeg) -> None:
        """Answer at once: at this instant, but after all that follows from what happens now."""
        self._at(self.now, self._answer, leg)

    def dial(self, leg: DialLeg) -> None:
        """Nobody is called back here."""

    def cancel(self, leg: str) -> None:
        """Nothing rings long enough to be cancelled."""

    def hang_up(self, channel: str) -> None:
        """Nobody is hung up on here."""

    def speak_to(self, word: SpokenWord) -> None:
        """Nobody is on hold here."""

    def ring_briefly(self, call: BriefCall) -> None:
        """Nobody is on hold here."""

    def send_to_line(self, channel: str) -> None:
        """Nobody is on hold here."""

    def _answer(self, leg: OfferLeg) -> None:
        self.board.observe(o.Bridged("", frozenset((leg.leg, leg.call))))
        if leg.call in self.board.calls.here:
            kind = self._kind_of[leg.call]
            mean = self.kinds[kind].talk
            talk = self._random.expovariate(1 / mean)
            self._luck[kind][1] += talk - mean
            self._at(self.now + talk, self._talk_over, leg.call)

    def append(self, fact: e.Fact) -> None:
        """Be the journal: count."""
        match fact:
            case e.CallConnected():
                tally = self.tallies[self._kind_of[fact.call]]
                tally.answered += 1
                tally.wait += fact.waited
                tally.waited += fact.waited > 0
                tally.within += fact.waited <= self._threshold
                tally.by_agent[fact.agent] = tally.by_agent.get(fact.agent, 0) + 1
            case e.CallAbandoned():
                tally = self.tallies[self._kind_of[fact.call]]
                tally.abandoned += 1
                tally.wait += fact.waited
                tally.waited += 1
            case e.TalkEnded():
                self.busy[fact.agent] += fact.talked
            case e.CallEnded():
                del self._kind_of[fact.call]
