"""The demo's own telephone system: a site in a folder and on ports of its own, run by `callhandler up` as anyone would.

Leaves nothing behind: what it started is stopped by pid, and a folder that it made is removed.
"""

import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.control.client import Client
from callhandler.core.model import Device
from callhandler.errors import CallhandlerError, Refused, Unreachable
from callhandler.site.loading import FILE_NAME, LoadedSite, load
from callhandler.site.new import fresh_pin

RTP_PORTS = 300
"""For about 70 calls at once, two streams each, and the ports that SIPp itself needs."""
_FIRST, _LAST = 20_000, 31_000
"""Where free ports are looked for: below those that Linux hands out by itself (32768 on)."""
_READY = 60.0
_END = 30.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything of the demo listens, counted from `base`."""

    base: int

    @property
    def sip(self) -> int:
        """Asterisk's SIP port."""
        return self.base

    @property
    def callers(self) -> int:
        """The callers' SIP port."""
        return self.base + 4

    @property
    def callers_media(self) -> int:
        """The callers' media port."""
        return self.base + 30

    def phone(self, index: int) -> int:
        """A phone's SIP port."""
        return self.base + 10 + index

    def phone_media(self, index: int) -> int:
        """A phone's media port."""
        return self.base + 40 + 4 * index

    @property
    def rtp(self) -> tuple[int, int]:
        """First and last of Asterisk's ports for audio."""
        return self.base + 100, self.base + 99 + RTP_PORTS


def free_ports() -> Ports:
    """Ports that nobody listens on now. Raises Refused when none are found."""
    for _ in range(50):
        base = _FIRST + secrets.randbelow((_LAST - _FIRST) // 10) * 10
        if all(_is_free(base + offset) for offset in (*range(80), 100, 101, 99 + RTP_PORTS)):
            return Ports(base)
    raise Refused(f"no {100 + RTP_PORTS} free ports in a row were found between {_FIRST} and {_LAST}")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def write_site(directory: Path, ports: Ports) -> LoadedSite:
    """Write the demo's site file, with secrets of its own, and read it back.

    Raises:
        Refused: there is something in this folder already.
    """
    path = directory / FILE_NAME
    directory.mkdir(parents=True, exist_ok=True)
    if (other := next(directory.iterdir(), None)) is not None:
        raise Refused(f"{other} is there already; the demo wants an empty folder, or makes one by itself without --dir")
    values = {
        "sip_port": str(ports.sip),
        "ami_port": str(ports.base + 1),
        "agi_port": str(ports.base + 2),
        "trunk_port": str(ports.callers),
        "rtp_first": str(ports.rtp[0]),
        "rtp_last": str(ports.rtp[1]),
        "ami_secret": secrets.token_hex(16),
        **{f"password{phone}": secrets.token_hex(8) for phone in range(101, 107)},
        **{f"pin{index}": fresh_pin() for index in range(1, 7)},
    }
    text = Template((files("callhandler.demo") / "site.toml").read_text(encoding="utf-8")).substitute(values)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return load(path)


@contextmanager
def folder(chosen: Path | None) -> Iterator[Path]:
    """The folder to work in: `chosen`, which is kept, or a new one that is removed in the end."""
    if chosen is not None:
        yield chosen.absolute()
        return
    made = Path(tempfile.mkdtemp(prefix="callhandler-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def running(loaded: LoadedSite) -> Iterator[Client]:
    """`callhandler up` for this site, until the end of the block; yields the way to ask its daemon.

    Raises:
        CallhandlerError: it did not start, or did not end.
    """
    output = loaded.inside(Path("var/up.out"))
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "callhandler", "--site", str(loaded.directory), "up", "--quiet", "--grace", "2"]
    with output.open("wb") as out:
        # A session of its own: Ctrl-C reaches the demo, which then ends this in good order.
        process = subprocess.Popen(
            dying_with_parent(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        client = Client(loaded.inside(loaded.site.daemon.socket))
        _until_ready(process, client, output)
        yield client
    finally:
        _end(process)


def _until_ready(process: "subprocess.Popen[bytes]", client: Client, output: Path) -> None:
    deadline = time.monotonic() + _READY
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(Unreachable):
            if client.status().asterisk_connected:
                return
        time.sleep(0.1)
    words = " ".join(output.read_text("utf-8", "replace").split())[-500:]
    raise CallhandlerError(f"the demo's own `callhandler up` did not become ready: {words or 'it said nothing'}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END / 2)


def until_registered(client: Client, phones: int, within: float) -> None:
    """Wait until the agents' phones can be rung. Raises CallhandlerError when they can't in time."""
    deadline = time.monotonic() + within
    free = 0
    while time.monotonic() < deadline:
        free = sum(agent.device is Device.FREE for agent in client.agents())
        if free >= phones:
            return
        time.sleep(0.1)
    raise CallhandlerError(f"only {free} of {phones} phones were registered within {within:.0f} s")
