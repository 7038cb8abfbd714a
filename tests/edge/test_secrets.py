"""Secrets stay where they belong, whatever goes wrong: in no log, journal, answer or argument. And the search for them can find."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from callhandler import logs
from callhandler.asterisk.pbx.certificates import make
from callhandler.control.client import Client
from callhandler.site.lint import lint
from callhandler.site.loading import load
from tests.edge.fake_asterisk import SECRET
from tests.edge.whole import ask, caller, edit, running, waiting
from tests.live.secrecy import leaks, secrets_of

OTHERS = """
[mqtt]
port = 1
user = "u"
password = "the-brokers-password"
[mail]
port = 1
user = "u"
password = "the-mail-servers-password"
sender = "a@example.com"
to = "b@example.com"
"""


async def test_a_daemon_that_meets_with_trouble_tells_no_secret(site: Path) -> None:
    """A broker and a mail server that aren't there, a changed secret, a mistake in one, a wrong PIN: all told, nothing told of them."""
    with (site / "callhandler.toml").open("a") as file:
        file.write(OTHERS)
    assert len(secrets_of(site)) == 8
    logs.configure(site / "var" / "log" / "callhandler.log", None, logging.DEBUG, redact=False)
    answers = []
    try:
        async with running(site) as daemon, caller(site):
            await waiting(daemon)
            for old, new in (
                ("481516", "516481"),
                ("a-password-of-102", "other-password-of-102"),
                (SECRET, "another-secret-of-16"),
            ):
                edit(site, old, new)
                answers.append(repr(await ask(site, lambda client: client.reload(dry_run=False))))
                assert leaks(site) == []
            edit(site, '"516481"', '"not digits"')
            answers.append(repr(await ask(site, lambda client: client.reload(dry_run=False))))
            edit(site, '"not digits"', '"516481"')
            answers.append(repr(await ask(site, Client.status)))
    finally:
        logs.configure()
    assert "agents.7001.pin: changed" in answers[0]
    assert "ami_secret: changed" in answers[2]
    known = {*secrets_of(site).values(), SECRET, "481516", "not digits", "a-password-of-102"}
    told = "".join([*answers, *(str(finding) for finding in lint(load(site)))])
    assert [secret for secret in known if secret in told] == []
    edit(site, "another-secret-of-16", SECRET)
    assert leaks(site) == []
    with closing(sqlite3.connect(site / "var" / "journal.db")) as journal:
        texts = [row[0] for row in journal.execute("SELECT text FROM site")]
    assert len(texts) == 3, "each site file in force is kept ..."
    assert all('"***"' in text for text in texts), "... without its secrets"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("log/callhandler.log", '{"event": "login", "pin": "481516"}', ["agents.7001.pin: var/log/callhandler.log"]),
        ("log/callhandler.log", "Secret: a-secret-of-16-chars", ["asterisk.ami_secret: var/log/callhandler.log"]),
        ("journal.db-wal", "\0\1{'keyed': 481516}", ["agents.7001.pin: var/journal.db-wal"]),
        ("asterisk/log/messages", "dialled 7001#481516", ["agents.7001.pin: var/asterisk/log/messages"]),
        ("log/callhandler.log", "at 1795286814.481516, call ab-481516, of 4815160 and x481516", []),
        ("asterisk/etc/pjsip.conf", "password = a-password-of-101", []),
    ],
)
def test_a_secret_in_the_wrong_place_is_found(site: Path, name: str, text: str, found: list[str]) -> None:
    path = site / "var" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert leaks(site) == found


def test_a_private_key_in_the_wrong_place_is_found(site: Path) -> None:
    """Fails if a key in a log, or in the certificate that phones are given, went unnoticed."""
    tls = site / "var" / "tls"
    make(tls, tls / "asterisk.crt", tls / "asterisk.key", ["127.0.0.1"])
    assert leaks(site) == []
    with (tls / "ca.crt").open("a") as file:
        file.write((tls / "ca.key").read_text())
    assert leaks(site) == ["the key ca.key: var/tls/ca.crt"]
