"""A mail server for tests: real SMTP (aiosmtpd) in the test's own loop; it keeps what it is given, or refuses it."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Postbox:
    """What a mail server was given; `refuses` answers a recipient or a mail with an SMTP reply. It is `for_all`, or for who logs in."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.to: list[str] = []
        self.refuses: dict[str, str] = {}
        self.data_reply = "250 OK"
        self.for_all = True

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not (self.for_all or session.authenticated):
            return "530 5.7.0 Authentication required"
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
            self.to += envelope.rcpt_tos
        return self.data_reply


@asynccontextmanager
async def serving(port: int, box: Postbox, login: tuple[str, str] | None = None) -> AsyncIterator[None]:
    """A mail server on this port of loopback; with a `login` it takes mail from nobody else."""

    def knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword) -> AuthResult:
        return AuthResult(success=(given.login.decode(), given.password.decode()) == login)

    def door() -> SMTP:
        return SMTP(box, hostname="test", authenticator=knows, auth_require_tls=False)

    box.for_all = login is None
    server = await asyncio.get_running_loop().create_server(door, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
