"""`callhandler status`."""

from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.control.client import Client


def status(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """How the daemon is: its link to Asterisk, calls and agents at a glance, the journal, alarms.

    Alarms are those of the last day, one line for each kind and queue: how many there were, and when and why the last was raised. With
    `--json`, `alarms` has an object for each: `kind`, `queue` (null where none is concerned), `count`, and `at` and `reason` of the last.
    """
    place = find(site)
    view = Client(place.socket).status()
    if as_json:
        out_json(view)
        return
    from callhandler.report.tables import status_table  # noqa: PLC0415 - Rich is for people

    out(status_table(view, place.zone))
