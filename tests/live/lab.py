"""The laboratory: a site as a user makes and starts it (`callhandler init`, `callhandler up`), and phones around it.

Everything goes through the command line and over SIP; the only look inside is Asterisk's own list of channels, at the end.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypedDict

from callhandler.asterisk.pbx.get import Lab, ensure_lab
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.asterisk.pbx.telling import Silent
from callhandler.core.plain import Plain
from tests.ports import free_base, is_free  # noqa: F401 - a laboratory's users take its port from here

from .ear import RtpTap, Samples, Sound, can_capture, load
from .secrecy import leaks
from .softphone import Baresip, Softphone

PHONE_PORTS = 14
"""Ports each softphone takes."""
PHONES = 75
"""Phones that have ports of their own at a time, from the base port + 900 on."""


PROGRAM = ("-m", "callhandler")
IMPATIENT = (
    "-c",
    "from callhandler import supervise; supervise._SLOWEST = 0.1; from callhandler.cli import main; raise SystemExit(main())",
)


class SipTold(TypedDict):
    """Where phones reach Asterisk."""

    address: str
    port: int


class AmiTold(TypedDict):
    """How AMI is reached."""

    host: str
    port: int
    user: str
    secret: str


class Told(TypedDict):
    """What `callhandler init --json` tells programs that place calls."""

    sip: SipTold
    ami: AmiTold


class Ear(Protocol):
    """Something that hears what a phone hears."""

    def heard(self, start: float, end: float) -> Sound:
        """What the phone heard between two times since the epoch."""


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The fallback ear: the phone's own recording of its last call."""

    phone: Softphone

    def heard(self, start: float, end: float) -> Sound:
        return self.phone.recording.heard(start, end)


@contextlib.contextmanager
def listening(phone: Softphone) -> Iterator[Ear]:
    """Hear what a phone hears: its packets where they may be captured, else what it recorded."""
    if not can_capture():
        yield _Recorded(phone)
        return
    with RtpTap(*phone.rtp) as tap:
        yield tap


def callhandler(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    command = [sys.executable, "-m", "callhandler", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


@dataclass
class SiteUp:
    """A site that runs. `told` is what `init --json` said; `process` is its `up`."""

    directory: Path
    base_port: int
    told: Told
    process: "subprocess.Popen[bytes] | asyncio.subprocess.Process"
    _given: int = 0

    @property
    def server(self) -> str:
        """Where phones reach it, host:port."""
        return f"{self.told['sip']['address']}:{self.told['sip']['port']}"

    @cached_property
    def lab(self) -> Lab:
        """The programs around it."""
        return ensure_lab(Silent())

    def ports(self, count: int = PHONE_PORTS) -> int:
        """The first of `count` ports that nobody has. After the last come the first again, whose phones have long hung up."""
        phones = -(-count // PHONE_PORTS)
        for _ in range(PHONES):
            place = self._given if self._given + phones <= PHONES else 0
            self._given = place + phones
            first = self.base_port + 900 + place * PHONE_PORTS
            if all(is_free(port) for port in range(first, first + count)):
                return first
        raise RuntimeError("no free ports")

    def password(self, phone: str) -> str:
        """A phone's password, as the site file has it."""
        with (self.directory / "callhandler.toml").open("rb") as file:
            password = tomllib.load(file)["phones"][phone]["password"]
        assert isinstance(password, str)
        return password

    def desk_phone(self, phone: str, folder: Path, hertz: float, *, auto_answer: bool = False) -> Softphone:
        """A registered phone of the site."""
        ports, password = self.ports(), self.password(phone)
        return Softphone(
            self._baresip, folder, ports, self.server, phone, hertz, password, auto_answer, record=not can_capture()
        )

    def trunk_caller(self, number: str, folder: Path, hertz: float) -> Softphone:
        """Someone who calls over the trunk."""
        ports = self.ports()
        return Softphone(self._baresip, folder, ports, self.server, number, hertz, record=not can_capture())

    @property
    def _baresip(self) -> Baresip:
        return Baresip(dying_with_parent(self.lab.program("baresip")), self.lab.baresip_modules)

    def ask(self, *words: str) -> Plain:
        """Run a command of the CLI with `--json` and return what it says."""
        done = callhandler("--site", str(self.directory), *words, "--json")
        assert done.returncode == 0, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
        answer: Plain = json.loads(done.stdout)
        return answer

    def prompt(self, name: str, language: str = "en") -> Samples:
        """A spoken prompt's own samples."""
        return load(self.directory / "var" / "sounds" / language / f"{name}.ulaw")

    def music(self) -> Mapping[str, Samples]:
        """The music callers wait to, by file name: what Asterisk's own configuration names."""
        text = (self.directory / "var" / "asterisk" / "etc" / "musiconhold.conf").read_text()
        folder = next(line.partition("=")[2].strip() for line in text.splitlines() if line.startswith("directory"))
        return {path.name: load(path) for path in sorted(Path(folder).glob("*.ulaw"))}

    def channels(self) -> list[str]:
        """The channels that Asterisk has now, asked over AMI by itself."""
        ami = self.told["ami"]
        with socket.create_connection((ami["host"], ami["port"]), timeout=30) as link:
            login = f"Action: Login\r\nUsername: {ami['user']}\r\nSecret: {ami['secret']}\r\nEvents: off\r\n\r\n"
            link.sendall(login.encode() + b"Action: Status\r\nActionID: 1\r\n\r\n")
            text = b""
            while b"Event: StatusComplete" not in text:
                more = link.recv(65_536)
                assert more, f"AMI ended the connection: {text.decode(errors='replace')}"
                text += more
        events = text.decode(errors="replace").split("\r\n\r\n")
        lines = [line for event in events if "Event: Status\r\n" in event + "\r\n" for line in event.splitlines()]
        return [line.partition(": ")[2] for line in lines if line.startswith("Channel: ")]

    def daemon_pid(self) -> int:
        """The daemon's process."""
        answer = self.ask("status")
        assert isinstance(answer, dict)
        pid = answer["pid"]
        assert isinstance(pid, int)
        return pid


@contextlib.contextmanager
def site_running(
    directory: Path,
    base_port: int,
    extra: str = "",
    *,
    patient: bool = True,
    before: Callable[[Path], None] = lambda directory: None,
    under: Sequence[str] = (),
) -> Iterator[SiteUp]:
    """A new site, with `extra` written at its file's end, from `init` to the end of `up`: no channel or process is left, no secret got out.

    Unless it is `patient`, `up` starts a daemon that dies often again as quickly as one that never did. `before` is called before `up`.
    `under` is a program, with its arguments, under which `up` runs.
    """
    done = callhandler("init", str(directory), "--base-port", str(base_port), "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    told: Told = json.loads(done.stdout)
    with (directory / "callhandler.toml").open("a", encoding="utf-8") as file:
        file.write(extra)
    output = directory / "var" / "up.out"
    before(directory)
    with output.open("wb") as out:
        process = subprocess.Popen(
            dying_with_parent(
                [*under, sys.executable, *(PROGRAM if patient else IMPATIENT), "--site", str(directory), "up"]
            ),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    site = SiteUp(directory, base_port, told, process)
    try:
        _until_ready(process, output)
        yield site
        _until_no_channels(site)
        found = leaks(directory)
        assert not found, f"secrets stand where they shouldn't: {found}"
    finally:
        _end(process)
    _until_none_is_left(directory)


def _until_ready(process: "subprocess.Popen[bytes]", output: Path, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if "Ready." in output.read_text(errors="replace"):
            return
        time.sleep(0.05)
    raise AssertionError(f"`callhandler up` is not ready: {output.read_text(errors='replace')[-3000:]}")


def _until_no_channels(site: SiteUp, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (left := site.channels()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left, f"channels were left in Asterisk: {left}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)


def _until_none_is_left(directory: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while (left := processes_of(directory)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, f"processes were left behind: {left}"


def processes_of(directory: Path) -> list[str]:
    """Command lines of the processes that name this folder."""
    found, names = [], names_of(directory)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if any(name in command for name in names) and int(path.parent.name) != os.getpid():
                found.append(command)
    return found


def names_of(directory: Path) -> tuple[str, str]:
    """How processes of a site name its folder: as it is, or as Asterisk reaches one whose path is long."""
    return str(directory), str(layout(directory)["etc"].parent)
