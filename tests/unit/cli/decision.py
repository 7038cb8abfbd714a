"""A routing decision as the journal keeps it: one agent who could take the call, one who couldn't."""

from dataclasses import replace

from callhandler.core.explaining import Candidate, Decided, replay
from callhandler.core.model import Device, State, Status, Strategy
from tests.unit.control.fake_desk import CALL


def _candidate(agent: str, status: Status) -> Candidate:
    return Candidate(
        id=agent,
        name=f"Agent {agent}",
        verdict="",
        status=status,
        break_reason="",
        state=State.IDLE,
        phone="101",
        device=Device.FREE,
        rest_until=0.0,
        wrap_until=0.0,
        idle_since=1_795_286_000.0,
        calls=3,
        handled=0.0,
        logged_in_at=1_795_280_000.0,
        levels={"sales": 5},
        row=(1, 0.0),
        refused=False,
    )


def decided() -> Decided:
    """The decision, its verdicts and its choice as the core makes them."""
    draft = Decided(
        at=1_795_286_815.0,
        call=CALL.id,
        queue="sales",
        step=0,
        wants="sales >= 3",
        strategy=Strategy.LONGEST_IDLE,
        most=1,
        entered=1_795_286_814.0,
        joined=1_795_286_814.0,
        key=(5, 1_795_286_814.0, CALL.id),
        kept_for=None,
        chosen=(),
        candidates=(_candidate("7002", Status.LOGGED_OUT), _candidate("7001", Status.AVAILABLE)),
        left_out=0,
    )
    made = replay(draft)
    judged = tuple(replace(one, verdict=made.verdicts[one.id]) for one in draft.candidates)
    return replace(draft, chosen=made.chosen, candidates=judged)


SNAPSHOT = decided().to_json()
