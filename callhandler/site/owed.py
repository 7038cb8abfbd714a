"""What was promised already and nobody could do by a site file: callbacks that are open. `check` and `reload` tell it. Knows no journal."""

from collections import Counter
from collections.abc import Iterator, Sequence

from callhandler.site.findings import Problem
from callhandler.site.models import Site

_RIGHT = "put it back, or cancel what `callhandler callbacks` lists"


def owed(site: Site, queues: Sequence[str]) -> Iterator[Problem]:
    """Yield what the file lacks for callbacks that are open, of which `queues` are the queues, one for each."""
    if site.callbacks is None and queues:
        yield Problem(("callbacks",), f"{_open(len(queues))} called by nobody without this table", _RIGHT)
    for queue, count in Counter(queues).items():
        if queue not in site.queues:
            yield Problem(("queues", queue), f"{_open(count)} called by nobody without this queue", _RIGHT)


def _open(count: int) -> str:
    return "1 open callback is" if count == 1 else f"{count:,} open callbacks are"
