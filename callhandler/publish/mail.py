"""Messages by mail, over SMTP: each once, with its recording attached. Knows no call flow and no Asterisk.

`publish` is a listener that returns at once: messages wait in a bounded queue, and one task (`run`) hands them to the mail server. While
that is away they wait, and it is said once. What was mailed is a fact, so that a restart neither forgets a message nor sends it again.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiosmtplib

from callhandler.core.events import Fact, MessageLeft, MessageMailed
from callhandler.core.plain import printable
from callhandler.core.views import PublisherView
from callhandler.logs import log
from callhandler.messages import opened
from callhandler.site.models import Mail, Site
from callhandler.site.waiting import Encryption
from callhandler.tasks import heed_cancelling

_DEADLINE = 30.0
"""Seconds the mail server has for an answer."""
_FIRST_BACK_OFF, _MOST_BACK_OFF = 5.0, 600.0
_MOST_KEPT = 1_000
"""Messages that wait for the mail server; beyond it the oldest are dropped and counted. They stay in the inbox, and are mailed at
the next start."""
_REFUSED = 500
"""SMTP replies from here on are for good (RFC 5321, 4.2.1): the same mail would be refused again."""
_NAMES = 60


class MailPublisher:
    """Mails for one daemon. `publish(fact)` may be called from the first moment on; `run()` is the daemon's task."""

    def __init__(
        self,
        settings: Mail,
        site: Callable[[], Site],
        directory: Path,
        mailed: Callable[[MessageMailed], None],
        clock: Callable[[], float],
        first_back_off: float = _FIRST_BACK_OFF,
    ) -> None:
        """Take the mail server's settings, the site in force, the site's folder, and who is told what was mailed."""
        self._settings = settings
        self._site = site
        self._directory = directory
        self._mailed = mailed
        self._clock = clock
        self._first_back_off = first_back_off
        self._waiting: deque[MessageLeft] = deque()
        self._some = asyncio.Event()
        self._dropped = 0
        self._away: str | None = None
        self._log = log("mail")

    def publish(self, fact: Fact) -> None:
        """Take a message to be mailed; other facts are passed over. Returns at once and never raises."""
        if not isinstance(fact, MessageLeft):
            return
        self._waiting.append(fact)
        if len(self._waiting) > _MOST_KEPT:
            self._waiting.popleft()
            self._dropped += 1
        self._some.set()

    def view(self) -> PublisherView:
        """Return how mailing goes."""
        return PublisherView(name="mail", connected=self._away is None, kept=len(self._waiting), dropped=self._dropped)

    async def run(self) -> None:
        """Mail until cancelled; the server away is tried again with growing pauses."""
        back_off = self._first_back_off
        while True:
            await self._some.wait()
            while self._waiting:
                message = self._waiting.popleft()
                done = await self._mail(message)
                heed_cancelling()
                if done:
                    back_off = self._first_back_off
                    continue
                self._waiting.appendleft(message)
                await asyncio.sleep(back_off * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries, guards nothing
                back_off = min(_MOST_BACK_OFF, back_off * 2)
            self._some.clear()

    async def _mail(self, message: MessageLeft) -> bool:
        """Mail one message. Returns whether it is done with: mailed, or refused for good."""
        try:
            to = self._recipient(message.queue)
            letter = await asyncio.to_thread(self._letter, message, to)
            await self._send(letter)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            return self._failed(message, f"{refused.code} {refused.message}", for_good=refused.code >= _REFUSED)
        except aiosmtplib.SMTPDataError as error:
            return self._failed(message, f"{error.code} {error.message}", for_good=error.code >= _REFUSED)
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._failed(message, str(error) or type(error).__name__, for_good=False)
        except Exception:
            # A mistake of ours in one letter is told, and is no reason to end the daemon, nor to keep the next from being sent.
            self._log.exception("a message could not be mailed", call=message.call)
            return True
        if self._away is not None:
            self._log.info("the mail server takes mail again", kept=len(self._waiting))
        self._away = None
        self._mailed(MessageMailed(at=self._clock(), call=message.call, queue=message.queue, file=message.file, to=to))
        return True

    def _failed(self, message: MessageLeft, reason: str, *, for_good: bool) -> bool:
        if for_good:
            self._log.error("the mail server refused a message; it is in the inbox", call=message.call, reason=reason)
        elif self._away is None:
            self._log.warning(
                "the mail server is away; messages wait and are tried again", host=self._settings.host, reason=reason
            )
        if not for_good:
            self._away = reason
        return for_good

    def _recipient(self, queue: str) -> str:
        table = self._site().queues.get(queue)
        return self._settings.to if table is None or table.mail is None else table.mail

    def _letter(self, message: MessageLeft, to: str) -> EmailMessage:
        """Write the letter; what callers say of themselves is made harmless. Reads the recording: for a thread."""
        site = self._site()
        table = site.queues.get(message.queue)
        queue = message.queue if table is None else table.name
        when = datetime.fromtimestamp(message.at, ZoneInfo(site.company.time_zone))
        number = printable(message.number, _NAMES) or "a withheld number"
        name = printable(message.caller_name, _NAMES)
        who = f"{name}, {number}" if name and name != number else number
        letter = EmailMessage()
        letter["From"], letter["To"] = self._settings.sender, to
        letter["Subject"] = _as_it_stands(f"Message for {queue} from {who} ({message.seconds:.0f} s)")
        letter["Date"] = format_datetime(when)
        letter["Message-ID"] = f"<{Path(message.file).stem}@{site.asterisk.node}.callhandler>"
        text = f"{who} left a message of {message.seconds:.0f} seconds for {queue} on {when:%Y-%m-%d at %H:%M} ({when:%Z}).\n"
        recording = self._recording(message)
        if recording is None:
            text += "\nThe recording could not be read.\n"
        letter.set_content(f"{text}\nCall: {message.call}\nDone with it: callhandler inbox done {message.call}\n")
        if recording is not None:
            letter.add_attachment(recording, maintype="audio", subtype="wav", filename=Path(message.file).name)
        return letter

    def _recording(self, message: MessageLeft) -> bytes | None:
        try:
            with opened(self._directory / message.file) as file:
                return file.read()
        except OSError as error:
            self._log.error("a message's recording can't be read", file=message.file, reason=error.strerror)
            return None

    async def _send(self, letter: EmailMessage) -> None:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.user,
            password=None if settings.password is None else settings.password.get_secret_value(),
            use_tls=settings.tls is Encryption.TLS,
            start_tls=settings.tls is Encryption.STARTTLS,
            timeout=_DEADLINE,
        )
        async with client:
            try:
                await client.send_message(letter)
            except asyncio.CancelledError:
                client.close()  # without QUIT: in the middle of a letter that is a line of it, and no answer comes
                raise


def _as_it_stands(text: str) -> str:
    """Return a header's text in which nothing is an encoded word (RFC 2047), which EmailMessage would decode, line ends and all."""
    return text.replace("=?", "= ?")
