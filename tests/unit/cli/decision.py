"""A routing decision as the journal keeps it: one agent who could take the call, one who couldn't."""

from callhandler.core import events as e
from callhandler.core.line import Line
from callhandler.core.model import AgentPlan, Device, Plan, Queue, Step
from callhandler.core.skills import parse
from tests.unit.control.fake_desk import CALL

AT = 1_795_286_815.0


def _decided() -> str:
    queue = Queue("sales", "Sales", (Step(parse("sales >= 3")),))
    people = {one: AgentPlan(one, f"Agent {one}", {"sales": 5}, (), "101") for one in ("7002", "7001")}
    line = Line(Plan({queue.id: queue}, people, frozenset({"101"})))
    line.resume(AT)
    line.see_phone("101", Device.FREE, AT)
    line.step(e.AgentLoggedIn(at=AT - 100, agent="7001", phone="101", by="test"), AT)
    entered = e.CallEntered(at=AT - 1, call=CALL.id, queue="sales", entered=AT - 1, priority=5, bonus=0.0, wants="")
    return next(one.snapshot for one in line.step(entered, AT) if isinstance(one, e.RoutingDecided))


SNAPSHOT = _decided()
