"""A broker that lets in who knows the password, a real mosquitto, and somebody who hears everything that is published there.

They know no callhandler.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho

from callhandler.asterisk.pbx.get import ensure_lab
from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.asterisk.pbx.telling import Silent

USER = "callhandler"
_LISTENER, _LISTENERS_PASSWORD = "listener", "the listener's own"


@contextlib.contextmanager
def overheard(folder: Path, port: int, password: str) -> Iterator[list[bytes]]:
    """A broker on this port of loopback for `USER` with this password; gives what comes there, topic and all, one after the other."""
    lab, users, conf = ensure_lab(Silent()), folder / "users", folder / "mosquitto.conf"
    folder.mkdir(mode=0o700, exist_ok=True)
    users.write_text(f"{USER}:{password}\n{_LISTENER}:{_LISTENERS_PASSWORD}\n")
    users.chmod(0o600)
    subprocess.run([*lab.program("mosquitto_passwd"), "-U", str(users)], check=True, capture_output=True)
    # As root mosquitto would become a user who may not read here.
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {users}\nuser root\n")
    argv = dying_with_parent([*lab.program("mosquitto"), "-c", str(conf)])
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as broker:
        try:
            with _listening(port) as heard:
                yield heard
        finally:
            broker.terminate()


@contextlib.contextmanager
def _listening(port: int) -> Iterator[list[bytes]]:
    heard: list[bytes] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set(_LISTENER, _LISTENERS_PASSWORD)
    client.on_connect = lambda client, *_: client.subscribe("#")
    client.on_message = lambda _client, _data, message: heard.append(message.topic.encode() + b" " + message.payload)
    deadline = time.monotonic() + 30
    while True:
        try:
            client.connect("127.0.0.1", port)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "mosquitto did not start"
            time.sleep(0.05)
    client.loop_start()
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()
