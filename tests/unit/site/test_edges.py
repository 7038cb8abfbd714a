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


BACK = '\n[callbacks]\ntrunk = "pstn"\n'


@pytest.mark.parametrize(
    ("more", "change", "wrong"),
    [
        ('\n[numbers.5009]\nenters = "callback:sales"\n', "", "nothing says how to call back"),
        ('\n[numbers.5009]\nenters = "callback:nowhere"\n' + BACK, "", "`nowhere` is not defined in queues"),
        (
            '\n[numbers.5009]\nenters = "callback:sales"\n' + BACK,
            "callback = false\n",
            "queue `sales` calls nobody back",
        ),
        (BACK, 'on_closing = "callback:sales"\n', "queues.sales.on_closing: can't lead to a callback"),
    ],
)
def test_what_leads_to_a_callback_needs_one_to_be_had(tmp_path: Path, more: str, change: str, wrong: str) -> None:
    assert wrong in mistakes(tmp_path, more, (SALES, SALES + change))


NUMBER = '[numbers.5009]\nenters = "queue:sales"\n'
WRONG_BACK = BACK + 'spacing = "x"\n'


@pytest.mark.parametrize(
    ("wrong", "user"),
    [
        (WRONG_BACK, NUMBER + 'closed = "callback:sales"'),
        ("[callbacks]\n", NUMBER + 'closed = "callback:sales"'),
        (WRONG_BACK, NUMBER + 'closed = "outside:+4930123456"'),
        ("[mail]\n", '[queues.new]\nname = "New"\nfallback = "hangup"\nmail = "new@example.org"'),
        ("[tls]\nport = 0\n", '[phones.199]\npassword = "a-password-of-199"\nencrypted = true'),
    ],
)
def test_who_uses_a_table_that_has_a_mistake_has_none(tmp_path: Path, wrong: str, user: str) -> None:
    table = wrong.strip("\n[").partition("]")[0]
    assert all(f": {table}." in line for line in mistakes(tmp_path, f"\n{wrong}{user}\n").splitlines())


def test_mail_for_a_queue_needs_a_mail_server(tmp_path: Path) -> None:
    said = mistakes(tmp_path, "", (SALES, SALES + 'mail = "sales@example.org"\n'))
    assert "is never used, as there is no [mail]" in said


def test_only_phones_of_the_site_ring_when_the_daemon_is_away(tmp_path: Path) -> None:
    assert "`999` is not defined in phones" in mistakes(tmp_path, '\n[waiting]\naway_phones = ["999"]\n')


@pytest.mark.parametrize(
    ("sender", "to", "wrong"),
    [
        ("calls@example.org", "boss", ["mail.to"]),
        ("asterisk", "boss@example.org", ["mail.sender"]),
        ("a@example.org, b@example.org", "a@example.org, b", ["mail.sender", "mail.to"]),
        ("@example.org", "boss@", ["mail.sender", "mail.to"]),
        ("calls@example.org", "boss@example.org\\r\\nBcc: x@example.org", ["mail.to"]),
    ],
)
def test_mail_needs_addresses(tmp_path: Path, sender: str, to: str, wrong: list[str]) -> None:
    said = mistakes(tmp_path, f'\n[mail]\nsender = "{sender}"\nto = "{to}"\n')
    assert [key for key in ("mail.sender", "mail.to") if f"{key}: " in said] == wrong
    assert "a mail address such as" in said


def test_a_queue_s_mail_needs_an_address(tmp_path: Path) -> None:
    more = '\n[mail]\nsender = "calls@example.org"\nto = "boss@example.org"\n'
    assert "queues.sales.mail: 'boss' is not allowed" in mistakes(tmp_path, more, (SALES, SALES + 'mail = "boss"\n'))


@pytest.mark.parametrize("to", ["boss@example.org", "The Boss <boss@example.org>, b@example.org", "boss@localhost"])
def test_addresses_may_have_names_and_be_several(tmp_path: Path, to: str) -> None:
    text = example(15_000, "Acme", "UTC")
    mail = f'\n[mail]\nsender = \'"Calls, all" <calls@example.org>\'\nto = "{to}"\n'
    (tmp_path / "callhandler.toml").write_text(text + mail, encoding="utf-8")
    loaded = load(tmp_path)
    assert loaded.site.mail is not None
    assert loaded.site.mail.to == to
