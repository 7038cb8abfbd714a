"""The two programs of docs/security.md that stand before Asterisk, for tests: nft and fail2ban, unpacked, not installed.

They are no part of what `ensure_lab` gets: nothing but their own tests needs them.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from callhandler.asterisk.pbx.telling import Silent
from callhandler.asterisk.pbx.unpack import Root, ensure_root

CONFIGURATION = Path(__file__).parents[2] / "asterisk-conf"
RULES = CONFIGURATION / "nftables" / "callhandler.nft"
Came = dict[str, tuple[int, float]]
"""How many packets or connections came, and within how many seconds, by who knocked."""


def _root() -> Root:
    return ensure_root("guards", ("nftables", "fail2ban"), "nftables", 0, Silent())


def nft() -> list[str]:
    """How nft is started."""
    argv = _root().program("nft")
    assert argv is not None, "the package nftables has its program"
    return argv


def rules_refused() -> str:
    """Why the kernel takes nobody's rules here, in a network of their own; empty where it does.

    Only a refusal of the system's counts (in a container, mostly, or where it has no nftables); anything else is an error.
    """
    done = subprocess.run(["unshare", "-rn", *nft(), "list", "tables"], capture_output=True, text=True, check=False)
    refused = any(word in done.stderr for word in ("not permitted", "Permission denied", "not supported"))
    assert done.returncode == 0 or refused, done.stderr
    return done.stderr.strip()


def within(program: str, words: Sequence[str], environment: dict[str, str] | None = None) -> Came:
    """What a program of this folder says that runs in a network of its own."""
    argv = ["unshare", "-rn", sys.executable, "-m", f"tests.live.{program}", *words]
    done = subprocess.run(
        argv, capture_output=True, text=True, env=environment, cwd=CONFIGURATION.parent, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {str(name): (int(count), float(seconds)) for name, (count, seconds) in json.loads(done.stdout).items()}


class Fail2ban:
    """fail2ban with its own configuration and ours beside it in `folder`, as docs/security.md has them copied; it reads `log`."""

    def __init__(self, folder: Path, log: Path) -> None:
        root = _root().path
        self._programs, self.log = root / "usr/bin", log
        self.etc = folder / "fail2ban"
        shutil.copytree(root / "etc/fail2ban", self.etc)
        for part in ("filter.d", "jail.d"):
            shutil.copy(CONFIGURATION / "fail2ban" / part / "callhandler.conf", self.etc / part)
        (self.etc / "jail.d" / "here.local").write_text(
            f"[DEFAULT]\nbackend = polling\n[sshd]\nenabled = false\n[callhandler]\nlogpath = {log}\n"
        )
        places = {"logtarget": "STDERR", "socket": "socket", "pidfile": "pid", "dbfile": "bans.sqlite3"}
        lines = [f"{name} = {place if place.isupper() else folder / place}" for name, place in places.items()]
        (self.etc / "fail2ban.local").write_text("\n".join(["[Definition]", *lines, ""]))
        (folder / "nft").write_text(f'#!/bin/sh\nexec {shlex.join(nft())} "$@"\n')  # its actions run it by that name
        (folder / "nft").chmod(0o755)
        path = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
        self.environment = os.environ | {"PYTHONPATH": str(root / "usr/lib/python3/dist-packages"), "PATH": path}

    def found(self) -> list[str]:
        """The address in each line of the log that the filter takes for a failure, as fail2ban-regex says."""
        argv = [*self.command("fail2ban-regex"), "-o", "ip", str(self.log), "callhandler"]
        done = subprocess.run(argv, capture_output=True, text=True, env=self.environment, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.split()

    def command(self, program: str) -> list[str]:
        """How one of its programs is started with this configuration; in `environment`."""
        return [sys.executable, str(self._programs / program), "-c", str(self.etc)]
