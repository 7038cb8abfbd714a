"""A desk without a daemon behind it: two agents, one queue, one waiting call, and a note of all that was asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from callhandler.control.desk import NotHere, ReloadResult
from callhandler.core.events import Fact
from callhandler.core.model import CallbackState, Device, State, Status
from callhandler.core.views import (
    AgentView,
    CallbackView,
    CallState,
    CallView,
    DecisionView,
    ItemState,
    ItemView,
    QueueView,
    StatusView,
)
from callhandler.errors import Refused

CALL = CallView(
    id="pbx1-1795286814.0",
    state=CallState.WAITING,
    arrived=1_795_286_814.0,
    number="5000",
    caller_number="+15550001",
    caller_name="Ann [bold]Other\x1b[31m",
    source="trunk-pstn",
    since=1_795_286_820.0,
    queue="sales",
    position=1,
    entered=1_795_286_820.0,
    waited=12.5,
    priority=5,
    bonus=0.0,
    step=0,
    attributes={"reason": "an order"},
)
AGENT = AgentView(
    id="7001",
    name="Grace",
    status=Status.AVAILABLE,
    state=State.IDLE,
    since=1_795_286_000.0,
    phone="101",
    device=Device.FREE,
    skills={"sales": 5},
    queues=("sales",),
)
QUEUE = QueueView(
    id="sales",
    name="Sales",
    waiting=1,
    offered=0,
    talking=0,
    longest_wait=12.5,
    agents_logged_in=1,
    agents_free=1,
    agents_busy=0,
)
ITEM = ItemView(
    kind="message",
    number="+15550001",
    queue="sales",
    state=ItemState.OPEN,
    since=1_795_286_814.0,
    last=1_795_286_814.0,
    reason="a message of 7 s",
    calls=("pbx1-1795286814.0",),
    files=("var/messages/pbx1-1795286814.0.wav",),
)
STATUS = StatusView(
    version="0.1.0",
    node="pbx1",
    pid=1,
    started=1_795_280_000.0,
    now=1_795_286_830.0,
    site="/srv/site",
    site_digest="ab" * 32,
    asterisk_connected=True,
    asterisk_version="22.10.1",
    asterisk_since=1_795_280_001.0,
    journal_backlog=0,
)


CALLBACK = CallbackView(
    id=CALL.id,
    state=CallbackState.WAITING,
    since=1_700_000_000.0,
    queue="sales",
    number="+12025550123",
    confirmed=True,
    caller_name="Ann",
    language="en",
    requested=1_700_000_000.0,
    entered=1_699_999_940.0,
    by="caller",
    expires=1_700_086_400.0,
    position=2,
    attempts=1,
    most=3,
    last_failure="no answer",
)


@dataclass
class FakeDesk:
    """Keeps the protocol of control/desk.py."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    failing: str | None = None
    listeners: list[Callable[[Fact], None]] = field(default_factory=list)
    decisions: Sequence[DecisionView] = ()

    def status(self) -> StatusView:
        return STATUS

    def calls(self) -> Sequence[CallView]:
        return [CALL]

    def call(self, call: str) -> CallView:
        if call != CALL.id:
            raise NotHere(f"there is no call {call}")
        return CALL

    def agents(self) -> Sequence[AgentView]:
        return [AGENT]

    def queues(self) -> Sequence[QueueView]:
        return [QUEUE]

    def login(self, agent: str, phone: str | None, by: str) -> AgentView:
        self._known(agent)
        self.asked.append(("login", agent, phone, by))
        return replace(AGENT, phone=phone or AGENT.phone)

    def logout(self, agent: str, by: str) -> AgentView:
        self._known(agent)
        self.asked.append(("logout", agent, by))
        return replace(AGENT, status=Status.LOGGED_OUT)

    def pause(self, agent: str, reason: str, by: str) -> AgentView:
        self._known(agent)
        if reason == "never":
            raise Refused(f"agent {agent} may not go on break now")
        self.asked.append(("pause", agent, reason, by))
        return replace(AGENT, status=Status.ON_BREAK, reason=reason)

    def resume(self, agent: str, by: str) -> AgentView:
        self._known(agent)
        self.asked.append(("resume", agent, by))
        return AGENT

    def hang_up(self, call: str, by: str) -> None:
        self.call(call)
        self.asked.append(("hang_up", call, by))

    def move(self, call: str, queue: str, by: str) -> CallView:
        self.call(call)
        self.asked.append(("move", call, queue, by))
        return replace(CALL, queue=queue)

    def prioritise(self, call: str, priority: int | None, bonus: float | None, by: str) -> CallView:
        self.call(call)
        self.asked.append(("prioritise", call, priority, bonus, by))
        return replace(CALL, priority=priority or CALL.priority, bonus=bonus or CALL.bonus)

    def emergency(self, close: bool, reason: str, by: str) -> None:
        self.asked.append(("emergency", close, reason, by))

    @property
    def callbacks(self) -> "FakeCallbacks":
        return FakeCallbacks(self)

    def inbox(self) -> Sequence[ItemView]:
        return [ITEM]

    async def claim(self, call: str, by: str) -> Sequence[ItemView]:
        self.call(call)
        self.asked.append(("claim", call, by))
        return [replace(ITEM, state=ItemState.CLAIMED, by=by)]

    async def finish(self, call: str, reason: str, by: str) -> None:
        self.call(call)
        self.asked.append(("finish", call, reason, by))

    async def reload(self, dry_run: bool, by: str) -> ReloadResult:
        self.asked.append(("reload", dry_run, by))
        return ReloadResult(("queues.sales.ring: 15.0 -> 20.0",), not dry_run and not self.failing, self.failing)

    async def explain(self, call: str) -> Sequence[DecisionView]:
        self.call(call)
        return self.decisions

    def subscribe(self, listener: Callable[[Fact], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self, fact: Fact) -> None:
        for listener in self.listeners:
            listener(fact)

    def _known(self, agent: str) -> None:
        if agent != AGENT.id:
            raise NotHere(f"there is no agent {agent}")


class FakeCallbacks:
    """The callbacks of a fake desk: one, of the one call."""

    def __init__(self, desk: FakeDesk) -> None:
        self._desk = desk

    def all(self) -> Sequence[CallbackView]:
        return [CALLBACK]

    def one(self, call: str) -> CallbackView:
        self._desk.call(call)
        return CALLBACK

    async def add(self, queue: str, number: str, name: str, due: float | None, by: str) -> CallbackView:
        if number == "112":
            raise Refused("112 is an emergency number")
        self._desk.asked.append(("add", queue, number, name, due, by))
        return replace(CALLBACK, queue=queue, number=number, caller_name=name, due=due)

    async def cancel(self, call: str, reason: str, by: str) -> None:
        self.one(call)
        self._desk.asked.append(("cancel", call, reason, by))

    async def reschedule(self, call: str, due: float, by: str) -> CallbackView:
        self.one(call)
        self._desk.asked.append(("reschedule", call, due, by))
        return replace(CALLBACK, due=due, state=CallbackState.RESTING)

    async def run(self, call: str, by: str) -> CallbackView:
        self.one(call)
        self._desk.asked.append(("run", call, by))
        return CALLBACK
