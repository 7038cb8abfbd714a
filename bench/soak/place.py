"""Where a soak happens: a site of its own, run by `callhandler up`; its agents' phones, the customers' and the callers, each one SIPp."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TypeVar

from bench.soak.mix import KEYS, Caller, Rows
from callhandler.asterisk.pbx.get import ensure_asterisk, ensure_lab
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.telling import Silent
from callhandler.control.client import Client
from callhandler.demo.place import running
from callhandler.demo.sipp import Sipp
from callhandler.errors import Unreachable
from callhandler.site.loading import FILE_NAME, LoadedSite, load
from callhandler.site.new import fresh_pin

HERE = Path(__file__).parent
FIRST_PHONE, FIRST_AGENT = 1_001, 7_001
AGENTS, HELPING, BILLING = 140, 40, 3
"""Agents in all; those of the line who also help; and those who alone serve the line that is always full."""
RTP_PORTS = 3_000
"""For 750 conversations at once: on a machine that stands still for seconds, more than the hundred that there are otherwise."""
AWAY = 60.0
"""Seconds."""
T = TypeVar("T")
CUSTOMERS, CALLERS = "customers", "callers"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder and the ports counted from `base`."""

    directory: Path
    base: int

    @property
    def callers(self) -> int:
        """The callers' SIP port; their audio is said to be at the next but one."""
        return self.base + 10

    @property
    def customers(self) -> int:
        """The SIP port of those who are called back."""
        return self.base + 14

    def phones(self, n: int) -> int:
        """The SIP port of all agents' phones after they have moved `n` times, 19 at most."""
        return self.base + 20 + 4 * n

    def build(self) -> LoadedSite:
        """Write the site file and read it."""
        values = {
            "sip_port": self.base,
            "ami_port": self.base + 1,
            "agi_port": self.base + 2,
            "customers_port": self.customers,
            "rtp_first": self.base + 100,
            "rtp_last": self.base + 99 + RTP_PORTS,
            "secret": secrets.token_hex(16),
        }
        text = Template((HERE / "site.toml").read_text()).substitute(values)
        text += "\n[phones]\n" + "".join(
            f'{FIRST_PHONE + n} = {{ password = "{secrets.token_hex(8)}" }}\n' for n in range(AGENTS)
        )
        text += "\n[agents]\n" + "".join(_agent(n) for n in range(AGENTS))
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / FILE_NAME
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return load(path)


def _agent(n: int) -> str:
    skills = "sales = 5" + (f", help = {4 + n % 6}" if n < HELPING else "")
    skills = "billing = 5" if n >= AGENTS - BILLING else skills
    name, phone = f"Agent {n}", FIRST_PHONE + n
    return f'{FIRST_AGENT + n} = {{ name = "{name}", pin = "{fresh_pin()}", phone = "{phone}", skills = {{ {skills} }} }}\n'


@dataclass(frozen=True, slots=True)
class Running:
    """The system that is soaked: its control client, its daemon's and its Asterisk's process, and how Asterisk's console is asked."""

    loaded: LoadedSite
    client: Client
    daemon: int
    asterisk: int
    console: tuple[str, ...]


def patiently(ask: Callable[[], T]) -> T:
    """Ask the daemon, which a busy machine may keep from answering for a while; after AWAY it is Unreachable all the same."""
    deadline = time.monotonic() + AWAY
    while True:
        try:
            return ask()
        except Unreachable as error:
            if time.monotonic() > deadline:
                raise
            print(f"asked again: {error}", flush=True)


@contextmanager
def system(loaded: LoadedSite) -> Iterator[Running]:
    """`callhandler up`, ended in the end."""
    with running(loaded) as client:
        program = ensure_asterisk(loaded.site.asterisk.program, Silent())
        conf = str(layout(loaded.directory)["etc"] / "asterisk.conf")
        yield Running(loaded, client, client.status().pid, _process(conf), (*program.argv, "-C", conf, "-rx"))


def _process(conf: str) -> int:
    """The process of the private Asterisk that runs with a configuration."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(conf) in words and b"-f" in words:
            return int(path.parent.name)
    raise RuntimeError("the private Asterisk isn't there")


class People:
    """The SIPp processes of a soak."""

    def __init__(self, place: Place, loaded: LoadedSite) -> None:
        self._place, self._loaded = place, loaded
        self.sipp = Sipp(ensure_lab(Silent()).program("sipp"), place.directory / "sipp", place.base)
        self.seats: list[str] = []

    def sit_down(self, manners: Rows) -> None:
        """Register all agents' phones and take calls there, doing what the rows say; calls go on at those they had before.

        Registrations last an hour at most, and Asterisk takes them from the port that calls go to alone: so phones move to another one.

        Raises:
            CallhandlerError: they could not register.
        """
        port, name = self._place.phones(len(self.seats)), f"register-{len(self.seats)}"
        rows = [
            (user, f"[authentication username={user} password={one.password.get_secret_value()}]")
            for user, one in self._loaded.site.phones.items()
        ]
        # At once: who is called between this and the next lines is only asked again by Asterisk.
        self.sipp.start(name, "register", rows, port, port + 2, "-m", str(len(rows)), "-r", "1000")
        self.sipp.finish(name, 60.0)
        self.seats.append(f"phones-{len(self.seats)}")
        self._take_calls(self.seats[-1], port, manners)

    def customers(self, manners: Rows) -> None:
        """Take calls at the customers' phones."""
        self._take_calls(CUSTOMERS, self._place.customers, manners)

    def _take_calls(self, name: str, port: int, manners: Rows) -> None:
        scenario = self.sipp.folder / f"{name}-scenario.xml"
        scenario.write_text((HERE / "phone.xml").read_text().replace("FILE", f"{name}.csv"))
        # Like a telephone, it goes on when a message comes twice, or crosses its own: else it would hang up and say nothing of it.
        more = (
            "-aa",
            "-default_behaviors",
            "all,-abortunexp",
            "-infindex",
            f"{name}.csv",
            "0",
            "-l",
            "2000",
            "-buff_size",
            "2097152",
        )
        self.sipp.start(name, scenario, manners, port, port + 2, *more)

    def call(self, callers: Sequence[Caller], rate: float) -> None:
        """Let callers dial, `rate` a second."""
        rows = [one.row() for one in callers]
        more = ("-r", f"{rate:g}", "-m", str(len(rows)), "-l", "2000", "-buff_size", "2097152")
        port = self._place.callers
        self.sipp.start(CALLERS, "caller", rows, port, port + 2, *more, keys=KEYS)
