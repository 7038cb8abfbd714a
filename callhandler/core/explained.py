"""A routing decision as people read it: taken from the snapshot in the journal and made again on the spot."""

from dataclasses import replace

from callhandler.core.explaining import Decided, replay
from callhandler.core.views import CandidateView, DecisionView


def explained(snapshot: str) -> DecisionView:
    """Return the decision kept in RoutingDecided.snapshot; ValueError when the text is no snapshot of this version."""
    decided = Decided.from_json(snapshot)
    again = replay(decided)
    ranked = replay(replace(decided, most=len(decided.candidates))).chosen
    return DecisionView(
        at=decided.at,
        call=decided.call,
        queue=decided.queue,
        step=decided.step,
        wants=decided.wants,
        strategy=decided.strategy,
        waited=round(decided.at - decided.entered, 3),
        kept_for=decided.kept_for,
        chosen=decided.chosen,
        candidates=tuple(sorted(_candidates(decided, again.verdicts, ranked), key=_order)),
        left_out=decided.left_out,
        replayed=again.chosen,
        same=again.same,
    )


def _candidates(decided: Decided, verdicts: dict[str, str], ranked: tuple[str, ...]) -> list[CandidateView]:
    ranks = {agent: place for place, agent in enumerate(ranked, 1)}
    return [
        CandidateView(
            agent=one.id,
            name=one.name,
            rank=ranks.get(one.id),
            verdict=verdicts[one.id],
            levels=one.levels,
            idle=round(max(0.0, decided.at - one.idle_since), 1) if one.idle_since else None,
            calls=one.calls,
        )
        for one in decided.candidates
    ]


def _order(one: CandidateView) -> tuple[float, str]:
    return (float("inf") if one.rank is None else one.rank, one.agent)
