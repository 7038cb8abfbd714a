"""One FastAGI session: commands in order, each with its own reply and a deadline, until the channel is no longer ours.

A command under way is cut short by sending the next one (heard from Asterisk 22). The next one is always a marker whose reply
carries a word of ours, so it is never mistaken for the reply of the command it cut, whichever comes first.
Must not know what commands mean (`caller.py`).
"""

import asyncio
import itertools
from dataclasses import replace

import structlog

from callhandler.asterisk import quoting, wire
from callhandler.asterisk.agi_text import AgiEnvironment, AgiReply, AgiTextError, reply
from callhandler.asterisk.ami_text import decode
from callhandler.errors import CallerGone

log = structlog.get_logger(__name__)
CODE_USAGE = 520
CODE_DEAD = 511
_MARKER = "cut-"
_CUT_WITHIN = 1.0
"""Seconds after which a cut that wasn't answered is sent once more."""
_MOST_USAGE_LINES = 100
_LONGEST_LINE = 16_384


class AgiSession:
    """The FastAGI session of one channel. `gone` is done once the channel is no longer ours, with the reason."""

    def __init__(self, transport: asyncio.WriteTransport, env: AgiEnvironment) -> None:
        self.env = env
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._loop = self.gone.get_loop()
        self._transport = transport
        self._lock = asyncio.Lock()
        self._rest = b""
        self._unanswered = False
        self._answer: AgiReply | None = None
        self._news: asyncio.Future[None] | None = None
        self._own: AgiReply | None = None
        self._marker: str | None = None
        self._markers = itertools.count(1)
        self._usage_lines = 0

    async def command(self, name: str, *args: str, deadline: float = 10.0) -> AgiReply:
        """Send a command and return its reply. One at a time: a second waits its turn.

        Raises CallerGone once the channel is no longer ours, also when no reply comes within `deadline` seconds: a session
        whose replies are late can't be trusted any more. Raises Unquotable, with nothing sent, for what can't be said.
        """
        text = quoting.command(name, *args)
        async with self._lock:
            if self._unanswered:  # whoever waited for this one was cancelled: its reply must not become ours
                await self._settled(deadline)
            if self.gone.done():
                raise CallerGone(self.gone.result())
            self._unanswered = True
            self._answer = self._own = self._marker = None
            self._transport.write(text)
            try:
                answer = await self._settled(deadline)
            except asyncio.CancelledError:
                self.cut()  # so that the next command need not wait for the end of a prompt nobody asked for any more
                raise
        if answer.code == CODE_DEAD:
            self.end("the channel hung up")
            raise CallerGone("the channel hung up")
        return answer

    def cut(self) -> None:
        """End the command under way at once; its reply says `cut` unless a key was quicker. Does nothing when none is."""
        if not self._unanswered or self._answer is not None or self._marker is not None or self.gone.done():
            return
        marker = self._marker = f"{_MARKER}{next(self._markers)}"
        self._transport.write(quoting.command(wire.AGI_EVALUATE, marker))
        self._loop.call_later(_CUT_WITHIN, self._cut_again, marker)

    def _cut_again(self, marker: str) -> None:
        """Send another marker if Asterisk took the first together with the command: it lies in a buffer then, and cuts nothing."""
        if self._unanswered and self._answer is None and self._marker == marker:
            self._marker = None
            self.cut()

    def end(self, reason: str) -> None:
        """Take the channel as no longer ours and close the connection; the dialplan goes on with it."""
        if not self.gone.done():
            self.gone.set_result(reason)
            self._tell()
        self._transport.close()

    def feed(self, data: bytes) -> None:
        """Take what Asterisk sends."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            if len(self._rest) > _LONGEST_LINE:
                raise AgiTextError("a line without an end")
            for line in lines:
                if self.gone.done() or not self._line(decode(line).rstrip("\r")):
                    return
        except (ValueError, AgiTextError) as error:
            log.warning("an AGI session broke", reason=str(error), channel=self.env.uniqueid)
            self.end("the session broke")

    async def _settled(self, deadline: float) -> AgiReply:
        if self._answer is None and not self.gone.done():
            # A future of its own: whoever is cancelled here takes nothing along that the reply has to find.
            self._news = self._loop.create_future()
            timer = self._loop.call_later(deadline, self._tell)
            try:
                await self._news
            finally:
                timer.cancel()
        if self._answer is not None:
            self._unanswered = False
            return self._answer
        if not self.gone.done():
            log.warning("Asterisk did not answer an AGI command in time", seconds=deadline, channel=self.env.uniqueid)
            self.end("Asterisk did not answer in time")
        raise CallerGone(self.gone.result())

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _replied_with(self, answer: AgiReply) -> None:
        self._answer = answer
        self._tell()

    def _line(self, line: str) -> bool:
        """Take one line; returns whether more may come."""
        if line == wire.AGI_HANGUP:
            self.end("the channel hung up")
            return False
        if not line or line.startswith(f"{CODE_USAGE}-") or not (line[:3].isascii() and line[:3].isdigit()):
            return self._usage_text(line)
        self._usage_lines = 0
        answer = reply(line)
        if answer.code != 100:
            self._replied(answer)
        return True

    def _usage_text(self, line: str) -> bool:
        # 520 spans lines of free text, an empty one among them, up to `520 End of proper usage.`
        if not line.startswith(f"{CODE_USAGE}-") and not self._usage_lines:
            raise AgiTextError("a line that is no AGI reply")
        self._usage_lines += 1
        if self._usage_lines > _MOST_USAGE_LINES:
            raise AgiTextError("a usage text without an end")
        return True

    def _replied(self, answer: AgiReply) -> None:
        if not self._unanswered or self._answer is not None:
            raise AgiTextError("a reply to nothing")
        if self._marker is None:
            self._replied_with(answer)
        elif answer.data == self._marker:
            self._replied_with(self._own or AgiReply(200, 0, cut=True))
        elif not answer.data.startswith(_MARKER):  # an earlier marker's reply says nothing more
            # It was quicker than the cut, or the cut made it say so (WAIT FOR DIGIT answers 1 then; the key 1 is 49).
            self._own = answer if answer.key is not None else replace(answer, cut=True)
