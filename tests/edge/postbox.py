"""A mail server for tests: real SMTP (aiosmtpd) in the test's own loop; it keeps what it is given, or refuses it."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


class Postbox:
    """What a mail server was given; `refuses` answers a recipient or a mail with an SMTP reply."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.to: list[str] = []
        self.refuses: dict[str, str] = {}
        self.data_reply = "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
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
async def serving(port: int, box: Postbox) -> AsyncIterator[None]:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="test"), "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
