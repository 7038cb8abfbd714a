"""How verdicts look to people: troubles in full with what mends them, what is well on a line each."""

from collections.abc import Iterator

from rich.text import Text

from callhandler.core.plain import printable
from callhandler.doctor.verdict import State, Verdict

_MARKS = {
    State.OK: ("ok", "green"),
    State.WARNING: ("warning", "yellow"),
    State.ERROR: ("ERROR", "bold red"),
    State.UNKNOWN: ("not seen", "dim"),
}
_WIDEST = 2_000


def shown(verdicts: list[Verdict]) -> Iterator[Text]:
    """Yield the lines: one for each verdict, below it the remedy, and a sum at the end."""
    width = max(len(verdict.check) for verdict in verdicts)
    for verdict in verdicts:
        if verdict.state is State.UNKNOWN and not verdict.remedy:
            continue
        mark, style = _MARKS[verdict.state]
        yield Text.assemble(
            (f"{mark:>8}", style),
            "  ",
            (f"{verdict.check:<{width}}", "bold"),
            "  ",
            printable(verdict.sentence, _WIDEST),
        )
        if verdict.remedy and verdict.state is not State.OK:
            yield Text.assemble(" " * (width + 12), ("-> ", "cyan"), printable(verdict.remedy, _WIDEST))
    unseen = [verdict.check for verdict in verdicts if verdict.state is State.UNKNOWN and not verdict.remedy]
    if unseen:
        yield Text.assemble(("not seen", "dim"), f"  {', '.join(unseen)}")
    counts = [(state, sum(verdict.state is state for verdict in verdicts)) for state in _MARKS]
    yield Text(", ".join(_counted(state, count) for state, count in counts if count) + ".", "bold")


def _counted(state: State, count: int) -> str:
    plural = "s" if count > 1 and state in {State.WARNING, State.ERROR} else ""
    return f"{count} {_MARKS[state][0].lower()}{plural}"
