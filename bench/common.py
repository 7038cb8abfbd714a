"""What the benchmarks on a real Asterisk share: a site with many agents, SIPp as their phones and callers, Asterisk's Queue() and Dial()
as peers on the same phones, processor time by process, and the report.

Must not know what is measured.
"""

import json
import os
import platform
import secrets
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template

from callhandler.asterisk.pbx.get import ensure_asterisk, ensure_lab, find_asterisk
from callhandler.asterisk.pbx.place import layout, write
from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.asterisk.pbx.telling import Silent
from callhandler.control.client import Client
from callhandler.demo.place import running, until_registered
from callhandler.site.loading import FILE_NAME, LoadedSite, load
from callhandler.site.new import fresh_pin

CONF = Path(__file__).parent / "conf"
OUT = Path(__file__).parent / "out"
HOST = "127.0.0.1"
PHONES = "phones"
FIRST_PHONE, FIRST_AGENT = 1_001, 7_001
BASE_PORT = 20_000
RTP_PORTS = 12_000
ASKED = 12.0
"""Seconds after which every phone has been asked whether it is there since it is: every 8 s, and 3 s to answer."""
TICKS = os.sysconf("SC_CLK_TCK")
PEER_MODULES = "load = app_queue.so\nload = func_rand.so\n"
Figures = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a scenario logged; `at` in seconds since the epoch."""

    event: str
    number: str
    at: float
    phone: str


@dataclass(frozen=True, slots=True)
class Office:
    """A site with `agents` agents at registered phones in a folder and on ports of its own; `wrap_up` in seconds."""

    directory: Path
    agents: int
    base: int
    wrap_up: float
    rtp_ports: int = RTP_PORTS

    @property
    def sip(self) -> int:
        """Asterisk's SIP port."""
        return self.base

    @property
    def callers(self) -> int:
        """The callers' SIP port."""
        return self.base + 10

    @property
    def phones(self) -> int:
        """The phones' SIP port: one SIPp process is them all."""
        return self.base + 20

    def build(self, more: str = "") -> LoadedSite:
        """Write the site file, with `more` tables, and read it."""
        values = {
            "sip_port": self.sip,
            "ami_port": self.base + 1,
            "agi_port": self.base + 2,
            "callers_port": self.callers,
            "rtp_first": self.base + 100,
            "rtp_last": self.base + 99 + self.rtp_ports,
            "secret": secrets.token_hex(16),
            "wrap_up": self.wrap_up,
        }
        text = Template((CONF / "site.toml").read_text()).substitute(values)
        text += "\n[phones]\n" + "".join(
            f'{FIRST_PHONE + n} = {{ password = "{secrets.token_hex(8)}" }}\n' for n in range(self.agents)
        )
        text += "\n[agents]\n" + "".join(
            f'{FIRST_AGENT + n} = {{ name = "Agent {n}", pin = "{fresh_pin()}", phone = "{FIRST_PHONE + n}", skills = {{ sales = 5 }} }}\n'
            for n in range(self.agents)
        )
        text += more
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / FILE_NAME
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return load(path)


class Sipp:
    """SIPp processes of one office; what a scenario logged is read back by name."""

    def __init__(self, office: Office, loaded: LoadedSite) -> None:
        self._office = office
        self._loaded = loaded
        self._argv = ensure_lab(Silent()).program("sipp")
        self._folder = office.directory / "sipp"
        self._folder.mkdir(exist_ok=True)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, scenario: Path, port: int, *more: str) -> subprocess.Popen[bytes]:
        """Start a scenario under a name of its own."""
        command = [*self._argv, f"{HOST}:{self._office.sip}", "-sf", str(scenario), "-i", HOST, "-p", str(port)]
        command += ["-mi", HOST, "-mp", str(port + 2), "-nostdin", "-buff_size", "4194304", "-trace_err"]
        command += ["-error_file", f"{name}.err", "-trace_logs", "-log_file", f"{name}.log", *more]
        with (self._folder / f"{name}.out").open("wb") as out:
            process = subprocess.Popen(
                dying_with_parent(command), cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self._running.append(process)
        return process

    def _register(self) -> None:
        rows = [
            f"{user};[authentication username={user} password={phone.password.get_secret_value()}]"
            for user, phone in self._loaded.site.phones.items()
        ]
        (self._folder / "phones.csv").write_text("\n".join(["SEQUENTIAL", *rows]) + "\n")
        scenario = Path(__file__).parent.parent / "callhandler" / "demo" / "scenarios" / "register.xml.j2"
        count = str(len(rows))
        more = ("-inf", "phones.csv", "-m", count, "-r", "100", "-l", "50")
        if self.start("register", scenario, self._office.phones, *more).wait(60) != 0:
            raise RuntimeError(f"the phones did not register: {self.trouble('register')}")

    def phones(self, talk: float) -> None:
        """Register all phones and take calls as all of them from now on, `talk` seconds each."""
        self._register()
        more = ("-aa", "-d", str(round(talk * 1_000)), "-l", "9000")
        self.start(PHONES, CONF / "agent.xml", self._office.phones, *more)

    def call(self, name: str, dialled: str, rate: float, count: int, crowd: int = 0) -> subprocess.Popen[bytes]:
        """Have `count` callers dial, `rate` a second, all of them strangers: `name` must be digits. Two crowds can call at once: 0, 1."""
        scenario = CONF / ("caller.xml" if dialled == "5000" else "caller-direct.xml")
        more = ("-r", f"{rate:g}", "-m", str(count), "-l", str(count), "-key", "dialled", dialled, "-key", "run", name)
        return self.start(f"callers-{name}", scenario, self._office.callers + 4 * crowd, *more)

    def wait(
        self, name: str, dialled: str, rate: float, count: int, seconds: float, crowd: int = 0
    ) -> "subprocess.Popen[bytes]":
        """Have `count` callers dial, `rate` a second, stay for `seconds` each and hang up; they send back the audio that they get."""
        more = ["-r", f"{rate:g}", "-m", str(count), "-l", str(count), "-d", str(round(seconds * 1_000)), "-rtp_echo"]
        more += ["-key", "dialled", dialled, "-key", "run", name]
        return self.start(f"callers-{name}", CONF / "caller-patient.xml", self._office.callers + 4 * crowd, *more)

    def lines(self, name: str) -> list[Line]:
        """What a process has logged up to now."""
        found = []
        whole, _, _ = (self._folder / f"{name}.log").read_text("utf-8", "replace").rpartition("\n")
        for raw in whole.splitlines():  # what a process still writes may end in the middle of a line
            event, number, seconds, fraction, *phone = raw.split(" ")
            found.append(Line(event, number, float(seconds) + float(fraction or "0") / 1e6, "".join(phone)))
        return found

    def trouble(self, name: str) -> str:
        """The last that a process complained of."""
        with suppress(OSError):
            return (self._folder / f"{name}.err").read_text("utf-8", "replace")[-600:]
        return ""

    def stop(self) -> None:
        """End what still runs."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()
        self._running.clear()


@dataclass(frozen=True, slots=True)
class System:
    """One system under test, running: whose processes it is, and its daemon's control client (callhandler alone has one)."""

    name: str
    asterisk: int
    daemon: int | None
    client: Client | None


@contextmanager
def ours(loaded: LoadedSite, sipp: Sipp, talk: float) -> Iterator[System]:
    """`callhandler up` with all phones registered and all agents ready."""
    with running(loaded) as client:
        sipp.phones(talk)
        try:
            until_registered(client, len(loaded.site.phones), 30)
            yield System("callhandler", _asterisk(loaded), client.status().pid, client)
        finally:
            sipp.stop()


@contextmanager
def peer(loaded: LoadedSite, sipp: Sipp, talk: float, asked: float = ASKED) -> Iterator[System]:
    """The same Asterisk with the peers' dialplan in place of ours, the same phones registered, and nobody on AMI.

    `ours` puts its own files back by itself when it starts.
    """
    program, etc = ensure_asterisk(loaded.site.asterisk.program, Silent()), layout(loaded.directory)["etc"]
    phones = list(loaded.site.phones)
    menu = loaded.directory / "var" / "sounds" / "en" / "main-menu"
    values = {"menu": str(menu), "first_phone": phones[0], "last_phone": phones[-1]}
    modules = (etc / "modules.conf").read_text()
    files = {
        "extensions.conf": Template((CONF / "extensions.conf").read_text()).substitute(values),
        "queues.conf": (CONF / "queues.conf").read_text() + "".join(f"member => PJSIP/{phone}\n" for phone in phones),
        "modules.conf": modules if PEER_MODULES in modules else modules + PEER_MODULES,
    }
    write(etc, files)
    base = [*program.argv, "-C", str(etc / "asterisk.conf")]
    with (loaded.directory / "var" / "peer.out").open("wb") as out:
        process = subprocess.Popen(
            dying_with_parent([*base, "-f"]), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        _until_booted(base)
        sipp.phones(talk)
        time.sleep(asked)
        yield System("peer", process.pid, None, None)
    finally:
        sipp.stop()
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _until_booted(base: Sequence[str]) -> None:
    for _ in range(100):
        done = subprocess.run(
            [*base, "-rx", "core waitfullybooted"], capture_output=True, text=True, timeout=30, check=False
        )
        if "fully booted" in done.stdout:
            return
        time.sleep(0.1)
    raise RuntimeError("the peer's Asterisk did not start")


def _asterisk(loaded: LoadedSite) -> int:
    """The process of a site's private Asterisk."""
    conf = str(layout(loaded.directory)["etc"] / "asterisk.conf").encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if conf in words and b"-f" in words:
                return int(path.parent.name)
    raise RuntimeError("the private Asterisk isn't there")


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> tuple[float, float]:
    """Megabytes that a process has in memory: its own share (PSS), and all that it can see there (RSS)."""
    told = dict(line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return int(told["Pss"].split()[0]) / 1_024, int(told["Rss"].split()[0]) / 1_024


def busy() -> tuple[float, float]:
    """Seconds of processor time that the machine was busy, and all that there were, since it started."""
    times = [int(word) / TICKS for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(times) - times[3] - times[4], sum(times)


def percentile(values: Sequence[float], share: float) -> float:
    """The value under which `share` of them are."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def machine() -> dict[str, str | int]:
    """What all this was measured on; nothing is fetched for it."""
    model = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    asterisk = find_asterisk(None)
    return {
        "processor": model,
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "asterisk": "none" if asterisk is None else asterisk.version_text,
    }


def table(title: str, rows: Mapping[str, Figures]) -> None:
    """Print figures, a row for each name and a column for each key of the first."""
    columns = list(next(iter(rows.values())))
    width = max(map(len, rows))
    print(f"\n{title}\n{'':{width}}  " + "  ".join(columns))
    for name, row in rows.items():
        cells = (
            f"{row[key]:{len(key)}.2f}" if isinstance(row[key], float) else f"{row[key]!s:>{len(key)}}"
            for key in columns
        )
        print(f"{name:{width}}  " + "  ".join(cells), flush=True)


def report(name: str, figures: Mapping[str, object], peers: Mapping[str, object], *, quick: bool = False) -> None:
    """Write bench/out/NAME.json; a `quick` run's figures go to NAME-quick.json, and never over those of a whole one."""
    OUT.mkdir(exist_ok=True)
    text = json.dumps({"name": name, "machine": machine(), "figures": figures, "peers": peers}, indent=1)
    (OUT / f"{name}{'-quick' if quick else ''}.json").write_text(text + "\n")
