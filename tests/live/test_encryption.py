"""SIP over TLS and SRTP: a phone registers and talks, what is on the wire is no sound, and a call in clear is refused."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.certificates import make
from callhandler.doctor import tls

from .ear import RtpTap, can_capture
from .hearing import tone_seconds
from .lab import SiteUp, callhandler, free_base, site_running
from .softphone import Softphone

pytestmark = pytest.mark.live
CALLER, AGENT = 440.0, 880.0


EXTRA = """
[phones.110]
password = "aGVsbG8gdGhlcmUh"
encrypted = true

[phones.111]
password = "c29tZXRoaW5nIGVs"
encrypted = true

[trunks.secure]
host = "127.0.0.3"
port = {trunk}
encrypted = true

[tls]
port = {port}
certificate = "{folder}/asterisk.crt"
key = "{folder}/asterisk.key"
trusted = "{folder}/ca.crt"
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an authority and a certificate, as `callhandler certs` makes them for another site."""
    other = tmp_path_factory.mktemp("certs") / "site"
    for words in (("init", str(other)), ("certs", "127.0.0.1", "127.0.0.3", "--site", str(other))):
        done = callhandler(*words)
        assert done.returncode == 0, done.stderr
    return other / "var" / "tls"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[SiteUp]:
    base = free_base()
    extra = EXTRA.format(port=base + 4, trunk=base + 3, folder=certificates)
    with site_running(tmp_path_factory.mktemp("encrypted") / "site", base, extra) as one:
        yield one


def over_tls(site: SiteUp, certificates: Path, phone: Softphone) -> Softphone:
    return replace(phone, server=f"127.0.0.1:{site.base_port + 4}", record=True, trusts=certificates / "ca.crt")


async def test_a_call_between_encrypted_phones(site: SiteUp, certificates: Path, tmp_path: Path) -> None:
    one = over_tls(site, certificates, site.desk_phone("110", tmp_path / "one", CALLER))
    other = over_tls(site, certificates, site.desk_phone("111", tmp_path / "other", AGENT, auto_answer=True))
    async with one as caller, other as agent:
        await caller.dial("111")
        with RtpTap(*caller.rtp) as tap:
            begun = time.time()
            await asyncio.sleep(2.5)
            ended = time.time()
            wire = tap.heard(begun, ended) if can_capture() else None
        heard, far = caller.recording.heard(begun, ended), agent.recording.heard(begun, ended)
        await caller.hang_up()
    assert tone_seconds(heard, AGENT) > 1.5, "the caller hears the other"
    assert tone_seconds(far, CALLER) > 1.5, "the other hears the caller"
    assert wire is None or tone_seconds(wire, AGENT) < 0.1, "who listens on the wire hears noise"


async def test_a_phone_that_must_be_encrypted_is_refused_in_clear(
    site: SiteUp, certificates: Path, tmp_path: Path
) -> None:
    """Fails if an encrypted phone's call went through with audio in clear."""
    async with site.desk_phone("110", tmp_path / "plain", CALLER) as plain:
        await plain.dial_only("103")
        ended = await plain.wait_for("CALL_CLOSED")
        assert "488" in ended.param, ended
    found = tls.look("127.0.0.1", site.base_port + 4, certificates / "asterisk.crt")
    assert found.trouble == ""
    assert 824 < (found.ends - time.time()) / 86_400 < 826
    assert "not the one" in tls.look("127.0.0.1", site.base_port + 4, another(tmp_path)).trouble
    # who doesn't trust the site's own authority gets no connection at all
    own = ssl.create_default_context(cafile=certificates / "ca.crt")
    assert (handshake(site, own) or "").startswith("TLSv1.2 ECDHE-"), (
        "recorded calls stay closed to who gets the key later"
    )
    assert handshake(site, ssl.create_default_context()) is None


async def test_a_call_over_an_encrypted_trunk(site: SiteUp, certificates: Path, tmp_path: Path) -> None:
    """Fails if an INVITE went out to somebody who can't prove to be the provider, or offered audio in clear."""
    stranger = make(tmp_path, tmp_path / "crt", tmp_path / "key", ["127.0.0.3"])
    async with provider(site, stranger.certificate, stranger.key) as heard:
        call_out(site)
        await asyncio.sleep(1.5)
        assert heard == [], "another authority's certificate is not believed"
    async with provider(site, certificates / "asterisk.crt", certificates / "asterisk.key") as heard:
        call_out(site)
        async with asyncio.timeout(5):
            while b"m=audio" not in b"".join(heard):  # noqa: ASYNC110 - what comes is watched
                await asyncio.sleep(0.05)
    invite = b"".join(heard)
    assert invite.startswith(b"INVITE sip:+12025550123@127.0.0.3")
    assert b"SIP/2.0/TLS" in invite
    assert b"RTP/SAVP " in invite
    assert b"a=crypto:" in invite


@asynccontextmanager
async def provider(site: SiteUp, certificate: Path, key: Path) -> AsyncIterator[list[bytes]]:
    """The trunk's far end, which shows a certificate and only listens; gives what it hears."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []
    links: list[asyncio.StreamWriter] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        links.append(writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                heard.append(data)

    server = await asyncio.start_server(listen, "127.0.0.3", site.base_port + 3, ssl=context)
    try:
        yield heard
    finally:
        server.close()
        for link in links:
            link.transport.abort()
        await asyncio.sleep(0.1)  # so that their readers have seen it


def call_out(site: SiteUp) -> None:
    """Have Asterisk dial over the trunk, as the daemon does for a callback."""
    ami = site.told["ami"]
    channel = ["Channel: PJSIP/+12025550123@trunk-secure", "Context: callhandler-customer", "Exten: s", "Priority: 1"]
    with socket.create_connection((ami["host"], ami["port"]), 5) as link:
        login = ["Action: Login", f"Username: {ami['user']}", f"Secret: {ami['secret']}", "Events: off"]
        for lines in (login, ["Action: Originate", *channel, "Async: true", "Timeout: 1000"]):
            link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        said = b""
        while b"successfully queued" not in said:
            said += (more := link.recv(4_096))
            assert more, said


def another(folder: Path) -> Path:
    """A certificate that Asterisk doesn't show."""
    return make(folder, folder / "crt", folder / "key", ["127.0.0.1"]).certificate


def handshake(site: SiteUp, context: ssl.SSLContext) -> str | None:
    """The version of TLS and the cipher agreed on, None when there is no connection."""
    with socket.create_connection(("127.0.0.1", site.base_port + 4), 5) as link:
        try:
            with context.wrap_socket(link, server_hostname="127.0.0.1") as secure:
                return f"{secure.version()} {(secure.cipher() or ('',))[0]}"
        except ssl.SSLError:
            return None
