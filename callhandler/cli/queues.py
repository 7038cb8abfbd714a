"""`callhandler queues`."""

from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.control.client import Client


def queues(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """The waiting lines now: who waits, how long, and the agents there are."""
    views = Client(find(site).socket).queues()
    if as_json:
        out_json(views)
        return
    from callhandler.report.tables import queues_table  # noqa: PLC0415 - Rich is for people

    out(queues_table(views))
