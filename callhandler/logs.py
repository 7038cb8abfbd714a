"""The log: one JSON object a line in the daemon's file, readable lines on a terminal; nothing else decides how it looks.

Numbers, names and secrets are logged only under keys named here, and made unrecognisable before anything is written. No
value can begin a line of its own or move a terminal's cursor. Libraries' own logging goes the same way.
"""

import logging
from collections.abc import MutableMapping
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from callhandler.core.plain import printable

SECRET = frozenset({"pin", "secret", "password"})
"""Keys whose values are never logged."""
PERSONAL = frozenset({"number", "caller_number", "name", "caller_name"})
"""Keys whose values are shortened until they name nobody."""
_MOST = 2_000
_QUIET = ("uvicorn", "aiosqlite", "sqlalchemy", "panoramisk", "mqtt", "asyncio", "httpx", "alembic")

Log = structlog.stdlib.BoundLogger


def log(part: str) -> Log:
    """Return the log of one part of the house, such as `ami`."""
    bound: Log = structlog.get_logger(part).bind(part=part)
    return bound


def configure(
    file: Path | None = None, terminal: TextIO | None = None, level: int = logging.INFO, redact: bool = True
) -> None:
    """Log to `file` as JSON lines and to `terminal` as readable ones from now on; what was configured before is replaced.

    `file` may be moved away by logrotate: a new one is begun. OSError when it can't be written. `redact` False shows
    numbers and names (never secrets), for an operator who looks on.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redact(redact),
    ]
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, ProcessorFormatter):
            root.removeHandler(old)
            old.close()
    root.setLevel(level)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o640)
        root.addHandler(
            _handler(WatchedFileHandler(file, encoding="utf-8"), structlog.processors.JSONRenderer(), shared)
        )
    if terminal is not None:
        pretty = structlog.dev.ConsoleRenderer(
            colors=terminal.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        root.addHandler(_handler(logging.StreamHandler(terminal), pretty, shared, harmless))
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(True)


class Redact:
    """A structlog processor: masks what SECRET names, shortens what PERSONAL names, however deep it lies."""

    def __init__(self, personal: bool = True) -> None:
        """Take whether personal values are shortened."""
        self._personal = personal

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Return the event made harmless."""
        return {key: self._value(key, value, 0) for key, value in event.items()}

    def _value(self, key: str, value: object, depth: int) -> object:
        if key.startswith("_"):
            return value
        if key.lower() in SECRET:
            return "***"
        if isinstance(value, str):
            return shortened(value) if self._personal and key.lower() in PERSONAL else value[:_MOST]
        if isinstance(value, MutableMapping) and depth < 5:
            return {str(inner): self._value(str(inner), one, depth + 1) for inner, one in value.items()}
        if isinstance(value, list | tuple) and depth < 5:
            return [self._value(key, one, depth + 1) for one in value]
        return value


def shortened(value: str) -> str:
    """Return a number's last two digits, or a name's first letter: enough to tell two apart, not to tell who it is."""
    if not value:
        return value
    return f"…{value[-2:]}" if value[-1:].isdigit() else f"{value[0]}…"


def harmless(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what would move a cursor or begin a line, in every value; a traceback's lines are marked as such."""
    return {key: _harmless(key, value) if isinstance(value, str) else value for key, value in event.items()}


def _harmless(key: str, value: str) -> str:
    if key == "exception":
        return "\n".join(f"  | {printable(line, _MOST)}" for line in value.splitlines())
    return printable(value, _MOST)


def _handler(
    handler: logging.Handler, renderer: Processor, shared: list[Processor], *before: Processor
) -> logging.Handler:
    handler.setFormatter(
        ProcessorFormatter(
            # Only what libraries log goes through the first; our own has been through the same on its way here.
            foreign_pre_chain=shared,
            processors=[ProcessorFormatter.remove_processors_meta, *before, renderer],
        )
    )
    return handler
