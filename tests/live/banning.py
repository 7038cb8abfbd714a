"""Run within a network namespace of its own: has fail2ban read a log until it bans, knocks, and says what came through, as JSON.

`unshare -rn python -m tests.live.banning FAIL2BAN-SERVER...`, with an `nft` on the path. The log's guesser is `walled.GUESSER`.
"""

import json
import subprocess
import sys
import time

from tests.live.walled import GUESSER, PHONE, RTP, bring_up, connect, knock

SECONDS = 30.0


def main(server: list[str]) -> None:
    """Ban, knock, end."""
    bring_up()
    before = knock([GUESSER], 50)
    with subprocess.Popen([*server, "-f", "start"], stdout=sys.stderr) as fail2ban:
        try:
            until_banned(fail2ban)
            found = {
                "before the ban": before,
                "the guesser": knock([GUESSER], 50),
                "the guesser's audio": knock([GUESSER], 50, port=RTP),
                "the guesser's connections": connect([GUESSER], 10),
                "a phone": knock([PHONE], 50),
                "a phone's connections": connect([PHONE], 10),
            }
        finally:
            fail2ban.terminate()
    sys.stdout.write(json.dumps(found))


def until_banned(fail2ban: "subprocess.Popen[bytes]") -> None:
    """Wait until the kernel's rules name the guesser."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and fail2ban.poll() is None:
        rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        if GUESSER in rules:
            return
        time.sleep(0.1)
    raise SystemExit("nobody was banned")


if __name__ == "__main__":
    main(sys.argv[1:])
