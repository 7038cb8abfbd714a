"""The two programs of docs/security.md that stand before Asterisk, for tests: nft and fail2ban. The system's own, else unpacked ones.

They are no part of what `ensure_lab` gets: nothing but their own tests needs them.
"""

import os
import shutil
import subprocess
from pathlib import Path

from callhandler.asterisk.pbx.telling import Silent
from callhandler.asterisk.pbx.unpack import Root, ensure_root

CONFIGURATION = Path(__file__).parents[2] / "asterisk-conf"
RULES = CONFIGURATION / "nftables" / "callhandler.nft"
_PACKAGES = ("nftables", "fail2ban")
_SYSTEM = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def _root() -> Root:
    return ensure_root("guards", _PACKAGES, "nftables", 0, Silent())


def nft() -> list[str]:
    """How nft is started."""
    found = shutil.which("nft", path=_SYSTEM)
    argv = [found] if found else _root().program("nft")
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
