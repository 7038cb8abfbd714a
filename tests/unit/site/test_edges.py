"""What can't be right about the edges of a wait: treatments, messages, mail, the phones that ring when the daemon is away."""

from pathlib import Path

import pytest

from callhandler.errors import SiteError
from callhandler.site.loading import load
from callhandler.site.new import example


def mistakes(tmp_path: Path, more: str, change: tuple[str, str] = ("", "")) -> str:
    text = example(15_000, "Acme", "UTC").replace(*change) if change[0] else example(15_000, "Acme", "UTC")
    (tmp_path / "callhandler.toml").write_text(text + more, encoding="utf-8")
    with pytest.raises(SiteError) as error:
        load(tmp_path)
    return str(error.value)


SALES = 'name = "Sales"\n'


@pytest.mark.parametrize("field", ["on_nobody", "on_timeout", "on_full", "on_closing"])
def test_a_treatment_leads_somewhere(tmp_path: Path, field: str) -> None:
    said = mistakes(tmp_path, "", (SALES, SALES + f'{field} = "queue:nowhere"\n'))
    assert f"queues.sales.{field}: `nowhere` is not defined in queues" in said


def test_a_queue_that_takes_no_messages_is_no_place_for_them(tmp_path: Path) -> None:
    more = '\n[numbers.5009]\nenters = "message:sales"\n'
    assert "takes no messages" in mistakes(tmp_path, more, (SALES, SALES + "messages = false\n"))


def test_mail_for_a_queue_needs_a_mail_server(tmp_path: Path) -> None:
    said = mistakes(tmp_path, "", (SALES, SALES + 'mail = "sales@example.org"\n'))
    assert "is never used, as there is no [mail]" in said


def test_only_phones_of_the_site_ring_when_the_daemon_is_away(tmp_path: Path) -> None:
    assert "`999` is not defined in phones" in mistakes(tmp_path, '\n[waiting]\naway_phones = ["999"]\n')
