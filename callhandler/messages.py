"""Where callers' messages are kept: var/messages in the site's folder, named after their calls. Knows files, no conversation.

A name is made of the call's id alone, so nothing that came from outside is ever part of a path.
"""

import contextlib
import errno
import os
import re
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

import structlog

FOLDER = Path("var") / "messages"
ENDING = ".wav"
_CALL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
log = structlog.get_logger("messages")


class MessageBox:
    """The messages of one site."""

    def __init__(self, directory: Path) -> None:
        """Take the site's folder. Asterisk writes the recordings, so it must be allowed to write into var/messages."""
        self._directory = directory

    def path(self, name: str) -> str:
        """Return a recording's path without its ending, as Asterisk wants it.

        Raises:
            ValueError: for a name that `free_name` would not give.
        """
        if not is_name(name):
            raise ValueError("a recording is named after its call")
        return str(self._directory / FOLDER / name)

    def free_name(self, call: str) -> str:
        """Return the name for a new message of a call: its id, with a number behind it after the first."""
        folder = self._directory / FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        names = (call if count == 1 else f"{call}-{count}" for count in range(1, 1_000))
        return next(name for name in names if not Path(self.path(name) + ENDING).exists())

    def keep(self, name: str) -> str:
        """Keep a recording, readable for its user and group only; return its file relative to the site. A link's target is left alone."""
        file = Path(self.path(name) + ENDING)
        try:
            with opened(file) as recording:
                os.fchmod(recording.fileno(), 0o640)
        except OSError as error:  # Asterisk's user owns it, or it has no room left: the message is told of all the same
            log.warning("a message's file can't be protected", file=str(file), error=error.strerror)
        return str(FOLDER / file.name)

    def discard(self, name: str) -> None:
        """Remove a recording that nobody wants."""
        with contextlib.suppress(OSError):
            Path(self.path(name) + ENDING).unlink()


def opened(recording: Path) -> BinaryIO:
    """Open a recording. A link is none, nor a pipe, at which a read would stop: Asterisk's user, who may not be ours, can put both there.

    Raises:
        OSError: when it can't be read, or is no file.
    """
    file = os.fdopen(os.open(recording, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no file")
    return file


def is_name(name: str) -> bool:
    """Tell whether a recording may be called so; anybody who may write into the folder can put other files there."""
    return _CALL.fullmatch(name) is not None
