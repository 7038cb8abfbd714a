"""What the demo shows: the live view while it runs, and the table in which both sides stand beside one another."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from callhandler.core.model import State
from callhandler.core.views import AgentView, CallState, CallView
from callhandler.demo.comparing import Pair, Side
from callhandler.demo.heard import SipCall

STYLES = {State.IDLE: "green", State.OFFERED: "yellow", State.TALKING: "bold cyan", State.WRAPPING_UP: "blue"}


def live(
    now: float, agents: Sequence[AgentView], calls: Sequence[CallView], seen: Sequence[SipCall], planned: int
) -> RenderableType:
    """Agents and callers as the daemon has them now, above a line of what the SIP side has seen so far."""
    people = Table(title="Agents", title_justify="left", expand=True)
    for heading in ("agent", "phone", "state", "caller"):
        people.add_column(heading)
    by_id = {call.id: call for call in calls}
    for agent in agents:
        call = by_id.get(agent.call or "")
        state = Text(agent.state, style=STYLES.get(agent.state, "red"))
        people.add_row(agent.name, agent.phone or "", state, f"{call.caller_name} {call.caller_number}" if call else "")
    line = Table(title="Callers", title_justify="left", expand=True)
    for heading in ("caller", "where", "queue", "place", "for"):
        line.add_column(heading)
    order = {CallState.OFFERED: 0, CallState.WAITING: 0, CallState.IN_MENU: 1}
    shown = sorted(calls, key=lambda call: (order.get(call.state, 2), call.position or 0, call.arrived))
    for call in shown[:16]:
        place = str(call.position) if call.position else ""
        line.add_row(
            f"{call.caller_name} {call.caller_number}", call.state, call.queue or "", place, f"{now - call.since:.0f} s"
        )
    return Group(people, line, Text(so_far(seen, planned)))


def so_far(seen: Sequence[SipCall], planned: int) -> str:
    """What the SIP side has seen so far, in a line."""
    done = sum(call.ended is not None for call in seen)
    talked = sum(call.talk is not None for call in seen)
    return f"{len(seen)} of {planned} callers dialled · {talked} talked · {done} ended"


def result(pairs: Sequence[Pair], kinds: Mapping[str, str], names: Mapping[str, str]) -> RenderableType:
    """The table: what each caller meant to do, what SIP saw, what the journal says, and whether they agree."""
    table = Table(title="What the SIP side saw, and what the journal says", title_justify="left")
    table.add_column("call", no_wrap=True)
    for heading in ("caller meant to", "SIP side", "journal", ""):
        table.add_column(heading, overflow="fold")
    for pair in pairs:
        verdict = Text("agrees", style="green") if pair.agrees else Text("; ".join(pair.differences), style="bold red")
        table.add_row(
            pair.id.rpartition("-")[2],
            kinds.get(pair.number, ""),
            told(pair.sip, names),
            told(pair.journal, names),
            verdict,
        )
    return table


def told(side: Side | None, names: Mapping[str, str]) -> str:
    """One side's story in a line."""
    if side is None:
        return "unknown"
    missed = Counter(f"{offer.phone} {offer.end}" for offer in side.offers if offer.end != "answered")
    parts = [" or ".join(side.outcomes) if side.outcomes else "not ended"]
    parts += [side.queue] if side.queue else []
    parts += [f"{names.get(side.agent, side.agent)} {side.talked:.1f} s"] if side.agent else []
    parts += [f"{side.hung_up_by} hung up"] if side.hung_up_by else []
    parts += list(missed)
    return ", ".join(parts)
