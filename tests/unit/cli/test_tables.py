"""What the tables of `status` and `agents` say of things that look well and aren't."""

from dataclasses import replace
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console, RenderableType

from callhandler.core.model import Device, State
from callhandler.core.views import PublisherView
from callhandler.report.tables import agents_table, status_table
from tests.unit.control.fake_desk import AGENT, STATUS

UTC = ZoneInfo("UTC")


def told(table: RenderableType) -> str:
    """Return a table as plain text, its blanks drawn together."""
    text = StringIO()
    Console(file=text, width=120).print(table)
    return " ".join(text.getvalue().split())


@pytest.mark.parametrize(
    ("state", "device", "shown"),
    [
        (State.IDLE, Device.FREE, "available idle"),
        (State.IDLE, Device.UNREACHABLE, "available unreachable"),
        (State.TALKING, Device.UNREACHABLE, "available talking"),
    ],
)
def test_an_agent_whose_phone_is_away_is_not_idle(state: State, device: Device, shown: str) -> None:
    assert shown in told(agents_table([replace(AGENT, state=state, device=device)], UTC))


@pytest.mark.parametrize(
    ("name", "connected", "kept", "dropped", "shown"),
    [
        ("mqtt", True, 0, 0, "mqtt connected"),
        ("mqtt", False, 3, 1, "mqtt away, 3 events kept, 1 events dropped"),
        ("mail", True, 0, 0, "mail no trouble seen"),
        ("mail", False, 2, 0, "mail away, 2 messages kept"),
    ],
)
def test_a_mail_server_nobody_has_spoken_to_is_not_called_connected(
    name: str, connected: bool, kept: int, dropped: int, shown: str
) -> None:
    publisher = PublisherView(name=name, connected=connected, kept=kept, dropped=dropped)
    assert shown in told(status_table(replace(STATUS, publishers=(publisher,)), UTC))
