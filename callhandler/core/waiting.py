"""A call in line and its place in the order, which is settled when it enters.

Order within a queue: class priority, then who has waited longest counting bonus seconds, then the call's id. `now - entered + bonus`
falls as `entered - bonus` rises, so the key never changes while a call waits.
"""

from dataclasses import dataclass, field

from callhandler.core.skills import ANYONE, Expression

OrderKey = tuple[int, float, str]


@dataclass(slots=True)
class Waiting:
    """A call in line. Times are seconds since the epoch; changed by line.py alone.

    `entered` is when it first joined any line and is kept for ever; `joined` is when it joined this queue. `refused` maps agents who
    were offered this call in vain to when that was.
    """

    id: str
    queue: str
    entered: float
    joined: float
    priority: int
    bonus: float
    wants: Expression = ANYONE
    step: int = 0
    step_since: float = 0.0
    preferred_agent: str | None = None
    preferred_until: float = 0.0
    refused: dict[str, float] = field(default_factory=dict)
    offers_made: int = 0

    @property
    def key(self) -> OrderKey:
        """Return the place in the order: smaller goes first."""
        return (self.priority, self.entered - self.bonus, self.id)

    def waited(self, now: float) -> float:
        """Return the seconds since the call first joined a line."""
        return max(0.0, now - self.entered)
