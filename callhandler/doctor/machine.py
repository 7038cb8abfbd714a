"""Looks at this machine: disk, clock, and who listens where. Linux's /proc; what can't be seen there is None, never an error."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callhandler.doctor.seen import Listener, MachineSeen


def look(folder: Path, pid_file: Path, lock: Path, zone: str) -> MachineSeen:
    """Return what is seen of the disk that holds `folder`, of Asterisk's and the daemon's processes, and of the time zone's data.

    `pid_file` is Asterisk's; `lock` is the daemon's, beside its control socket, with its process id in it.
    """
    pid, daemon = _pid(pid_file), _pid(lock)
    found = True
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found = False
    try:
        disk = os.statvfs(folder)
    except OSError:
        return MachineSeen(zone_found=found, pid=pid, age=_age(pid), daemon=daemon)
    return MachineSeen(
        free=disk.f_bavail * disk.f_frsize,
        total=disk.f_blocks * disk.f_frsize,
        inodes_free=disk.f_favail if disk.f_files else None,
        inodes_total=disk.f_files or None,
        zone_found=found,
        pid=pid,
        age=_age(pid),
        daemon=daemon,
    )


def _pid(file: Path) -> int | None:
    try:
        pid = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if pid > 0 and Path(f"/proc/{pid}").exists() else None


def _age(pid: int | None) -> float | None:
    """Return how long a process has run: now minus its start, both counted from boot (proc(5), field 22 of stat)."""
    if pid is None:
        return None
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def listeners(ports: set[int]) -> tuple[Listener, ...] | None:
    """Return who listens on any of these ports; None where the kernel doesn't tell. States as in proc(5): 0A is LISTEN, 07 unconnected."""
    found: list[tuple[str, str, int, str]] = []
    seen = False
    for name, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        try:
            lines = Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        seen = True
        for line in lines:
            words = line.split()
            host, _, port = words[1].rpartition(":")
            if words[3] == state and int(port, 16) in ports:
                found.append((name[:3], _address(host), int(port, 16), words[9]))
    if not seen:
        return None
    owners = dict(_owners({inode for *_, inode in found}))
    return tuple(_listener(protocol, address, port, owners.get(inode)) for protocol, address, port, inode in found)


def _listener(protocol: str, address: str, port: int, pid: int | None) -> Listener:
    program, site = _program(pid), None
    if program == "asterisk" or program.startswith("ld-"):  # one unpacked privately goes by its loader's name
        words = [Path(word) for word in _command_line(pid)]
        if any(word.name == "asterisk" for word in words):
            program, site = "Asterisk", _site_of(words)
    return Listener(protocol=protocol, address=address, port=port, pid=pid, program=program, site=site)


def _site_of(words: list[Path]) -> Path | None:
    """Return the site whose private Asterisk has this command line: its configuration is in the site's folder, or linked from there."""
    for path in words:
        conf = path.resolve() if path.name == "asterisk.conf" else path
        if conf.parts[-4:] == ("var", "asterisk", "etc", "asterisk.conf"):
            return conf.parents[3]
    return None


def _address(text: str) -> str:
    """Return an address of /proc/net/tcp: hexadecimal words in the machine's byte order (little-endian where Asterisk runs)."""
    raw = b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8))
    return ".".join(map(str, raw)) if len(raw) == 4 else ("::" if not any(raw) else raw.hex(":", 2))


def _owners(inodes: set[str]) -> Iterator[tuple[str, int]]:
    """Yield the process that holds each socket; sockets of others' processes are passed over."""
    names = {f"socket:[{inode}]": inode for inode in inodes}
    for process in Path("/proc").iterdir():
        if not names or not process.name.isdecimal():
            continue
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):  # closed meanwhile: the others are still there
                    inode = names.get(str(descriptor.readlink()))
                    if inode is not None:
                        yield inode, int(process.name)


def _command_line(pid: int | None) -> list[str]:
    if pid is None:
        return []
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return []
    return words[:-1]


def _program(pid: int | None) -> str:
    if pid is None:
        return ""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
