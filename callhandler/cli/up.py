"""`callhandler up`: a private Asterisk and the daemon from one command, what to type into a phone, and the live log."""

import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from callhandler.asterisk.pbx.get import ensure_asterisk, find_program
from callhandler.asterisk.pbx.telling import RichTeller, Silent
from callhandler.asterisk.sounds import make_sounds
from callhandler.cli.amounts import number
from callhandler.cli.findings import tell_at_start
from callhandler.cli.live_log import follow
from callhandler.cli.place import SiteOption, find
from callhandler.doctor import tls
from callhandler.doctor.holders import held
from callhandler.doctor.seen import Shown
from callhandler.errors import CallhandlerError, Refused
from callhandler.site.loading import LoadedSite, load
from callhandler.site.technical import Tls
from callhandler.supervise import Supervisor

_LOCK = Path("var", "up.lock")
_MOST_PHONES = 12
NoLog = Annotated[bool, typer.Option("--no-log", help="Show no live log.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors: for services.")]
Grace = Annotated[
    float,
    typer.Option(
        "--grace",
        parser=number(0, 86_400),
        metavar="SECONDS",
        help="Seconds that conversations get to end after the first Ctrl-C.",
    ),
]


class Lasting(Console):
    """A console whose reader may go away (`up | head`): calls don't end because nobody reads of them any more."""

    def on_broken_pipe(self) -> None:
        """Print to nowhere from now on."""
        self.quiet = True
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), self.file.fileno())


def up(site: SiteOption = None, no_log: NoLog = False, quiet: Quiet = False, grace: Grace = 20.0) -> None:
    """Run a private Asterisk and the daemon, and show the live log. Ctrl-C ends gently, a second one at once."""
    console = Lasting(quiet=quiet, highlight=False, emoji=False)
    loaded = load(find(site).directory)
    with _alone(loaded.directory):
        tell_at_start(loaded, errors_only=quiet)
        teller = Silent() if quiet else RichTeller(console)
        program = ensure_asterisk(loaded.site.asterisk.program, teller)
        for sentence in program.lacks:
            teller.say(sentence)
        make_sounds(
            loaded, find_program
        )  # before Asterisk, which speaks them by itself should the daemon never start; it tells what fails
        supervisor = Supervisor(loaded, program, teller, grace)
        asyncio.run(_run(supervisor, loaded, console, log=not (no_log or quiet)))
    console.print("Ended; nothing is left running.")


async def _run(supervisor: Supervisor, loaded: LoadedSite, console: Console, log: bool) -> None:
    failure: CallhandlerError | None = None
    async with asyncio.TaskGroup() as group:
        helpers = [group.create_task(_introduce(supervisor, loaded, console), name="introducing")]
        if log:
            helpers.append(group.create_task(follow(console, loaded, supervisor.asterisk.log), name="live log"))
        try:
            await supervisor.run()
        except CallhandlerError as error:
            failure = error
        finally:
            for helper in helpers:
                helper.cancel()
    if failure is not None:
        by = held(loaded)
        raise failure if by is None else CallhandlerError(f"{failure}; {by}")


async def _introduce(supervisor: Supervisor, loaded: LoadedSite, console: Console) -> None:
    await supervisor.ready.wait()
    place = loaded.site.asterisk
    console.print(
        f"Desk phones: server {address(place.sip_address)}, port {place.sip_port} (UDP or TCP)", soft_wrap=True
    )
    if loaded.site.tls is not None:
        console.print(Text(await asyncio.to_thread(over_tls, loaded, loaded.site.tls)), soft_wrap=True)
    console.print(card(loaded))
    numbers = ", ".join(loaded.site.numbers)
    console.print(f"Ready. Dial {numbers} from a desk phone. Ctrl-C ends it.", style="bold")


def over_tls(loaded: LoadedSite, place: Tls) -> str:
    """Where phones find SIP over TLS, when they are shown the site's certificate there; else why they don't."""
    seen = tls.look(place.address, place.port, loaded.inside(place.certificate))
    if seen.shown is not Shown.OWN:
        return f"Over TLS nobody gets through: {seen.trouble}"
    return f"Over TLS: server {address(place.address)}, port {place.port}"


def card(loaded: LoadedSite) -> Table:
    """The users and passwords of desk phones."""
    table = Table()
    for heading in ("user", "password", "phone"):
        table.add_column(heading)
    for id_, phone in list(loaded.site.phones.items())[:_MOST_PHONES]:
        # As texts: a bracket in a password is no markup.
        table.add_row(*map(Text, (id_, phone.password.get_secret_value(), phone.name)))
    if (more := len(loaded.site.phones) - _MOST_PHONES) > 0:
        table.caption = f"and {more} more in callhandler.toml under [phones]"
    return table


def address(listening: str) -> str:
    """The address that phones of the same network reach this machine by; connecting a UDP socket sends nothing."""
    if listening not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        return listening
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Refuse a second `up` on the same site."""
    path = directory / _LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "r+") as handle:
        os.fchmod(handle.fileno(), 0o600)  # who may read a file may lock it, and keep `up` from starting
        _lock(handle, directory)
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


def refuse_beside(directory: Path) -> None:
    """Raise Refused when `up` runs here, whose daemon may be away for a moment; touches nothing."""
    with contextlib.suppress(FileNotFoundError), (directory / _LOCK).open() as handle:
        _lock(handle, directory)


def _lock(handle: TextIO, directory: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        pid = handle.read().strip() or "unknown"
        raise Refused(f"callhandler up is running for {directory} already (process {pid})") from None
