"""A broker for tests: a real mosquitto on loopback, for everybody or for who knows a password. Knows nothing of who publishes there."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from callhandler.asterisk.pbx.get import ensure_lab, find_program
from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.asterisk.pbx.telling import Silent


class Broker:
    """A mosquitto of the test's own, in `folder`; `passwords` are those of the users who are let in, everybody is where there are none."""

    def __init__(self, folder: Path, port: int, passwords: Mapping[str, str] | None = None) -> None:
        self.port = port
        self._conf = folder / "mosquitto.conf"
        who = "allow_anonymous true"
        if passwords:
            users = folder / "users"
            users.write_text("".join(f"{user}:{password}\n" for user, password in passwords.items()))
            users.chmod(0o600)
            subprocess.run([*_program("mosquitto_passwd"), "-U", str(users)], check=True, capture_output=True)
            who = f"allow_anonymous false\npassword_file {users}"
        # As root mosquitto would become a user who may not write here.
        self._conf.write_text(
            f"listener {port} 127.0.0.1\n{who}\npersistence true\npersistence_location {folder}/\nuser root\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            dying_with_parent([*_program("mosquitto"), "-c", str(self._conf)]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def stop(self) -> None:
        if self._process is not None:
            self.signal(signal.SIGCONT)
            # Asked, not killed: it then keeps its clients' subscriptions.
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


def _program(name: str) -> list[str]:
    argv = find_program(name) or ensure_lab(Silent()).program(name)
    assert argv is not None, f"the laboratory has {name}"
    return argv
