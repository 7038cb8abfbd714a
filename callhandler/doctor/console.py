"""Asks Asterisk's own console (`asterisk -rx`): what the daemon's AMI user may not see. Only fixed questions, each with an end.

It looks and never changes anything. A private Asterisk is asked through its own asterisk.conf, an operator's as the system has it.
"""

import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from callhandler.doctor import console_text as text
from callhandler.doctor.dialplan import Plan, shown
from callhandler.doctor.seen import ConsoleSeen

T = TypeVar("T")
_ASK, _ALL = 2.0, 3.0
_AT_ONCE = 4


class ConsoleAway(Exception):
    """The console doesn't answer, in words for a sentence."""


class Console:
    """The console of one Asterisk. All questions together end within `_ALL` seconds."""

    def __init__(self, base: Sequence[str]) -> None:
        """Take the console's argv up to `-rx`; time runs from here."""
        self._base = base
        self._until = time.monotonic() + _ALL

    def ask(self, command: str) -> str:
        """Return what the console answers to a fixed command. Raises ConsoleAway when nobody does."""
        left = min(_ASK, self._until - time.monotonic())
        if left <= 0:
            raise ConsoleAway(f"Asterisk's console didn't answer within {_ALL:g} s")
        try:
            done = subprocess.run(
                [*self._base, "-rx", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=left, check=False
            )
        except subprocess.TimeoutExpired:
            raise ConsoleAway(f"Asterisk's console didn't answer within {left:.1f} s") from None
        except OSError as error:
            raise ConsoleAway(f"{self._base[0]} can't be started ({error.strerror})") from None
        if b"Unable to connect to remote asterisk" in done.stdout + done.stderr:
            raise ConsoleAway("no Asterisk answers at its console: it doesn't run, or this user may not ask it")
        if done.returncode != 0:
            raise ConsoleAway(f"Asterisk's console ended with exit code {done.returncode}")
        return done.stdout.decode("utf-8", "replace")

    def ask_or_none(self, command: str) -> str | None:
        """Return the same, or None when nobody answers."""
        try:
            return self.ask(command)
        except ConsoleAway:
            return None


def look(base: Sequence[str], user: str, contexts: Iterable[str], files: Iterable[str]) -> ConsoleSeen:
    """Return what the console says. `user` is the AMI user's name, `contexts` the dialplan's contexts that the site renders.

    Raises:
        ConsoleAway: nobody answers, or this user may not ask.
    """
    console = Console(base)
    version = text.version(console.ask("core show version"))
    if version is None:
        raise ConsoleAway("Asterisk's console answered something unexpected")
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="console") as pool:

        def asked(command: str, read: Callable[[str], T]) -> Callable[[], T | None]:
            answer = pool.submit(console.ask_or_none, command)
            return lambda: None if (found := answer.result()) is None else read(found)

        plans = [asked(f"dialplan show {context}", lambda answer: shown(answer, files)) for context in contexts]
        modules = asked("module show", text.modules)
        uptime = asked("core show uptime seconds", text.uptime)
        manager = asked("manager show settings", text.fields)
        account = asked(f"manager show user {user}", text.fields)
        contacts = asked("pjsip show contacts", text.contacts)
        music = asked("moh show classes", text.music)
        settings = asked("core show settings", text.fields)
        rights = account() or {}
        return ConsoleSeen(
            version=version,
            uptime=uptime(),
            modules=modules(),
            bindaddr=(manager() or {}).get("TCP Bindaddress"),
            read=text.classes(rights.get("read perm")),
            write=text.classes(rights.get("write perm")),
            contacts=contacts(),
            music=music(),
            settings=settings() or {},
            plan=_joined([plan() for plan in plans]),
        )


def _joined(plans: Sequence[Plan | None]) -> Plan | None:
    """Return all contexts as one plan; None when any of them couldn't be asked for."""
    whole: Plan = {}
    for plan in plans:
        if plan is None:
            return None
        whole |= plan
    return whole
