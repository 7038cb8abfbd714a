"""What `callhandler holdproof`, `queues checkins`, `queues estimate` and `queues ringing` show: words, silences, breaches, what became of
estimates, and of those who were kept ringing."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from callhandler.core.kpi import CheckInFigures, Proof, StayProof
from callhandler.core.plain import printable
from callhandler.core.ringing import RingingFigures
from callhandler.core.scoring import EstimateFigures
from callhandler.report.words import clock, moment, ring, span


def proof_report(proof: Proof, zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield the report part by part."""
    if not proof.stays:
        yield Text("this call never waited for an agent")
        return
    for one in proof.stays:
        stay = one.stay
        head = Text(moment(stay.since, zone), "bold")
        queue = f" ({printable(stay.queue)})" if stay.queue else ""
        until = f"until {clock(stay.until, zone)}: {printable(stay.ended_by)}" if stay.until else "still waiting"
        head.append(f"  {stay.where}{queue}, {until}", "not bold")
        yield head
        yield _words(one, proof.at_most, zone)
        for breach in stay.breaches:
            text = f"silent since {clock(breach.since, zone)}, for {breach.silent:.0f} s by {clock(breach.at, zone)}: "
            yield Text(text + printable(breach.reason), "red")
    yield _verdict(proof)


def _words(one: StayProof, at_most: float, zone: ZoneInfo) -> Table:
    table = _table("silence", "due", "began", "ended", "what was said", "cut by")
    ends = [*one.stay.words, None]
    for silence, word in zip(one.silences, ends, strict=True):
        style = "bold red" if silence > at_most else ""
        if word is None:
            last = "(no word since)" if one.stay.until is None else f"({printable(one.stay.ended_by)})"
            table.add_row(f"{silence:.1f}", "", "", clock(one.stay.until, zone), Text(last), "", style=style)
        else:
            times = (clock(at, zone) for at in (word.due, word.started, word.at))
            table.add_row(f"{silence:.1f}", *times, Text(printable(word.said)), word.cut_by, style=style)
    return table


def _verdict(proof: Proof) -> Text:
    longest = max(one.longest for one in proof.stays)
    text = f"longest silence {longest:.1f} s, promised at most {proof.at_most:.0f} s: "
    if proof.kept:
        return Text(text + "kept", "bold green")
    return Text(text + ("broken, cause above" if proof.explained else "broken, cause unknown"), "bold red")


def check_ins_table(figures: Sequence[CheckInFigures]) -> RenderableType:
    """Return the figures, a column for each place that people waited in: one row for all of them is too wide for a terminal."""
    if not figures:
        return Text("nobody waited")
    columns = [_column(one) for one in figures]
    table = _table("", *(one.where for one in figures))
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _column(one: CheckInFigures) -> dict[str, str]:
    share = "" if one.compliance is None else f"{one.kept} ({one.compliance:.0%})"
    causes = ", ".join(f"{count} {printable(cause)}" for cause, count in one.breaches)
    return {
        "stays": str(one.stays),
        "wait p50, p90, p99": ", ".join(span(wait) for wait in (one.median_wait, one.p90_wait, one.p99_wait)),
        f"longer than {one.at_most:.0f} s": str(one.long),
        "of those kept": share,
        "silence p50, p95": f"{one.median_silence:.1f} s, {one.p95_silence:.1f} s",
        "longest silence": f"{one.longest_silence:.1f} s in {one.longest_call}",
        "breaches": causes or "none",
    }


def estimates_table(figures: Iterable[EstimateFigures], zone: ZoneInfo) -> RenderableType:
    """Return the figures, a row for each hour and queue."""
    table = _table("hour", "queue", "estimates", "answered", "error", "bias", "came true", "said", "of those true")
    for one in figures:
        bias = "" if one.bias is None else ("-" if one.bias < 0 else "+") + span(abs(one.bias))
        table.add_row(
            moment(one.hour, zone)[:-3],
            printable(one.queue),
            str(one.made),
            str(one.answered),
            span(one.error),
            bias,
            "" if one.right is None else f"{one.right:.0%}",
            str(one.said),
            "" if one.said_right is None else f"{one.said_right:.0%}",
        )
    return table if table.row_count else Text("no estimate yet of a caller who has since been answered or given up")


def ringing_table(figures: Iterable[RingingFigures], zone: ZoneInfo) -> RenderableType:
    """Return the figures, a row for each hour; withdrawn and lost ones where there were any."""
    found = list(figures)
    other = any(one.other for one in found)
    names = ("hour", "calls", "rang", "let in", "p50, longest", "hung up", "p50, longest")
    table = _table(*names, *(("other",) if other else ()))
    for one in found:
        table.add_row(
            moment(one.hour, zone)[:-3],
            str(one.calls),
            str(one.rang),
            str(one.answered),
            f"{ring(one.median_answered)}, {ring(one.longest_answered)}" if one.answered else "",
            str(one.hung_up),
            f"{ring(one.median_hung_up)}, {ring(one.longest_hung_up)}" if one.hung_up else "",
            *((str(one.other),) if other else ()),
        )
    return table if table.row_count else Text("nobody was kept ringing")


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, overflow="fold")
    return table
