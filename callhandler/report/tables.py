"""What `status`, `calls`, `agents` and `queues` show: Rich tables made of views and records. Knows no daemon."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from rich import box
from rich.table import Table
from rich.text import Text

from callhandler.core.model import Device, Outcome, State
from callhandler.core.plain import printable
from callhandler.core.views import AgentView, AlarmView, CallView, Counts, PublisherView, QueueView, StatusView
from callhandler.report.words import SHORTEST_RING, caller, clock, handset, moment, span
from callhandler.store.records import CallRecord, Leg

ENDING = "no new calls are taken: a planned end is under way, and those here may end"
_MOST_ALARMS = 20
_COLOURS = {
    "available": "green", "on break": "yellow", "logged out": "dim",
    "idle": "green", "offered": "cyan", "talking": "bold", "wrapping up": "yellow", "not answering": "red",
    "free": "green", "unreachable": "red", "waiting": "yellow", "answered": "green", "abandoned": "red",
    "failed": "red", "lost": "red",
}  # fmt: skip


def status_table(view: StatusView, zone: ZoneInfo) -> Table:
    """Return the daemon's state as two columns."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    asterisk = f"connected, {view.asterisk_version}" if view.asterisk_connected else "not connected"
    rows = [
        ("site", view.site),
        ("daemon", f"{view.version}, process {view.pid}, up {span(view.now - view.started)}"),
        ("asterisk", f"{asterisk}, since {moment(view.asterisk_since, zone)}" if view.asterisk_since else asterisk),
        (
            "calls",
            f"{view.counts.calls} here, {_ringing(view.counts)}{view.counts.waiting} waiting, {view.counts.talking} talking; "
            f"{view.counts.callbacks} to be called back",
        ),
        ("agents", f"{view.counts.agents_logged_in} logged in, {view.counts.agents_free} free"),
        ("journal", "up to date" if not view.journal_backlog else f"{view.journal_backlog} facts not yet written"),
        *((one.name, _publisher(one)) for one in view.publishers),
    ]
    for name, value in rows:
        table.add_row(name, _text(value))
    if view.ending:
        table.add_row("ending", Text(ENDING, "bold red"))
    if view.emergency is not None:
        table.add_row("closed", Text(f"by emergency: {printable(view.emergency) or 'no reason given'}", "bold red"))
    if (more := len(view.alarms) - _MOST_ALARMS) > 0:
        table.add_row("alarms", Text(f"of {len(view.alarms)} kinds in the last day; {more} before these", "red"))
    for alarm in view.alarms[-_MOST_ALARMS:]:
        table.add_row("alarm", Text(_alarm(alarm, zone), "red"))
    return table


def _alarm(one: AlarmView, zone: ZoneInfo) -> str:
    """Say what an alarm is about; of several of a kind and queue how many there were, and what the last one was about."""
    where = f" in queue {printable(one.queue)}" if one.queue is not None else ""
    often = f", {one.count:,} in the last day, the last" if one.count > 1 else ""
    return f"{moment(one.at, zone)} {one.kind}{where}{often}: {printable(one.reason)}"


def calls_table(views: Iterable[CallView], zone: ZoneInfo) -> Table:
    """Return the calls that are here now."""
    table = _table("call", "state", "caller", "number", "where", "place", "waited", "agent", "since", "about")
    for view in views:
        about = " ".join(f"{name}={value}" for name, value in view.attributes.items())
        table.add_row(
            _text(view.id),
            _state(view.state),
            _text(caller(view.caller_number, view.caller_name)),
            _text(view.number),
            _text(f"menu {view.menu}" if view.queue is None and view.menu is not None else view.queue or view.sent_to),
            _text(view.position),
            span(view.waited),
            _text(view.agent),
            clock(view.since, zone),
            _text(about),
        )
    return _or_none(table, "no calls")


def agents_table(views: Iterable[AgentView], zone: ZoneInfo, wide: bool = False) -> Table:
    """Return the agents, within 80 columns; `wide` with their device, call, skills and queues."""
    more = ("device", "call", "skills", "queues") if wide else ()
    table = _table("agent", "name", "status", "state", "since", "phone", *more, "today")
    for view in views:
        status = f"{view.status} ({view.reason})" if view.reason else view.status
        table.add_row(
            _text(view.id),
            _text(view.name),
            _state(status, view.status),
            _state(_state_of(view)),
            clock(view.since, zone),
            _text(view.phone),
            *(_more(view) if wide else ()),
            f"{view.calls_today}" + (f", {view.misses} missed" if view.misses else ""),
        )
    return _or_none(table, "no agents")


def _state_of(view: AgentView) -> str:
    """Return what an agent does; one who does nothing for us while the phone can't be rung, or is in use for a call that is none of ours
    or was sent there directly, isn't idle to whoever looks at the table."""
    if view.state != State.IDLE or view.device is None or view.device == Device.FREE:
        return view.state
    return view.device


def _more(view: AgentView) -> tuple[Text, ...]:
    return (
        _state(view.device),
        _text(view.call),
        _text(" ".join(f"{skill}={level}" for skill, level in view.skills.items())),
        _text(" ".join(view.queues) or "all"),
    )


def queues_table(views: Iterable[QueueView]) -> Table:
    """Return the waiting lines."""
    table = _table("queue", "name", "waiting", "callbacks", "longest", "offered", "talking", "agents", "free", "busy")
    for view in views:
        table.add_row(
            _text(view.id),
            _text(view.name),
            Text(str(view.waiting), "yellow" if view.waiting else ""),
            str(view.callbacks or ""),
            span(view.longest_wait),
            str(view.offered),
            str(view.talking),
            Text(str(view.agents_logged_in), "" if view.agents_logged_in else "red"),
            str(view.agents_free),
            str(view.agents_busy),
        )
    return _or_none(table, "no queues")


def records_table(records: Iterable[CallRecord], zone: ZoneInfo) -> Table:
    """Return calls out of the journal; how long they were kept ringing where one of them was."""
    found = list(records)
    rang = any(one.rang >= SHORTEST_RING for one in found)
    more = ("rang",) if rang else ()
    table = _table("call", "arrived", "caller", "number", *more, "queue", "agent", "waited", "talked", "outcome")
    for one in found:
        table.add_row(
            _text(one.id),
            moment(one.arrived, zone),
            _text(caller(one.caller_number, one.caller_name)),
            _text(one.number),
            *((span(one.rang) if one.rang >= SHORTEST_RING else "",) if rang else ()),
            _text(one.queue),
            _text(one.agent),
            span(one.waited) if one.visits else "",
            span(one.talked) if one.agent else "",
            _state(one.outcome or "here"),
        )
    return _or_none(table, "no calls")


def call_details(record: CallRecord, zone: ZoneInfo, view: CallView | None = None) -> tuple[Table, ...]:
    """Return one call in full: what it was, where it waited, whom it was offered to.

    With the `view` of a call that is here, what it waited is the daemon's own figure, said once.
    """
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_column(style="dim")
    head.add_column()
    reason = (
        "" if record.reason in (None, "Unknown") else record.reason
    )  # Asterisk's word for the cause 0 of what we hung up
    outcome = "still here" if record.outcome is None else f"{record.outcome}: {reason}".removesuffix(": ")
    for name, value in [
        ("call", record.id),
        ("caller", caller(record.caller_number, record.caller_name)),
        ("dialled", f"{record.number} by way of {record.source}" if record.number else ""),
        ("arrived", moment(record.arrived, zone) + _beginning(record)),
        ("ended", moment(record.ended, zone)),
        ("outcome", outcome),
        *(("handset", handset(one.code, one.agent, one.reason)) for one in record.handset),
        *([("kept ringing", span(record.rang))] if record.rang >= SHORTEST_RING else ()),
        ("waited", span(record.waited if view is None or view.waited is None else view.waited)),
        ("talked", f"{span(record.talked)}, of which on hold {span(record.held)}"),
        *((one.name, one.value) for one in record.attributes),
    ]:
        head.add_row(_text(name), _text(value))
    visits = _table("queue", "entered", "left", "waited", "outcome")
    for visit in record.visits:
        visits.add_row(
            _text(visit.queue),
            clock(visit.entered, zone),
            clock(visit.left, zone),
            span(visit.waited) if view is None or visit.left is not None else "",
            _state(visit.outcome or "waiting"),
        )
    legs = _table("agent", "phone", "queue", "offered", "rang", "then", "talked", "on hold", "wrap-up")
    for leg in record.legs:
        legs.add_row(
            _text(leg.agent),
            _text(leg.phone),
            _text(leg.queue),
            clock(leg.offered, zone),
            span(leg.rang),
            _text(_then(leg)),
            span(leg.talked) if leg.connected is not None else "",
            span(leg.held or None),
            span(leg.wrap_up or None),
        )
    return (head, *(table for table in (visits, legs) if table.row_count))


def _then(leg: Leg) -> str:
    if leg.connected is None:
        return "rings" if leg.failed is None else leg.failed
    if leg.transferred_to is not None:
        return f"talked, transferred to {leg.transferred_to}"
    return "talks" if leg.ended is None else f"talked; {leg.reason}".removesuffix("; ")


def _beginning(record: CallRecord) -> str:
    if record.whole:
        return ""
    by_hand = record.outcome is Outcome.CALLBACK and not record.visits
    return f" (nobody called: `callhandler callbacks show {record.id}`)" if by_hand else " (its beginning was not seen)"


def _ringing(counts: Counts) -> str:
    """Say how many aren't answered yet, on the days on which somebody isn't."""
    return f"{counts.ringing} ringing, " if counts.ringing else ""


def _publisher(one: PublisherView) -> str:
    """Say how a publisher is. The mail server is spoken to only when there is mail: until then nobody knows."""
    what, good = ("messages", "no trouble seen") if one.name == "mail" else ("events", "connected")
    lost = f", {one.dropped} {what} dropped" if one.dropped else ""
    return (good if one.connected else f"away, {one.kept} {what} kept") + lost


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in {"call", "agent", "since"})
    return table


def _or_none(table: Table, nothing: str) -> Table:
    if table.row_count:
        return table
    empty = Table(box=None, show_header=False, pad_edge=False)
    empty.add_row(nothing)
    return empty


def _text(value: object) -> Text:
    """Text that is neither markup nor a way to the terminal, whatever a caller is called."""
    return Text("" if value is None else printable(str(value)))


def _state(value: str | None, colour: str | None = None) -> Text:
    return Text("" if value is None else printable(value), _COLOURS.get(colour or value or "", ""))
