"""A broker that lets in who knows the password, and somebody who hears everything that is published there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho

from tests.edge.broker import Broker

USER = "callhandler"
_LISTENER, _LISTENERS_PASSWORD = "listener", "the listener's own"


@contextlib.contextmanager
def overheard(folder: Path, port: int, password: str) -> Iterator[list[bytes]]:
    """A broker on this port of loopback for `USER` with this password; gives what comes there, topic and all, one after the other."""
    folder.mkdir(mode=0o700, exist_ok=True)
    broker = Broker(folder, port, {USER: password, _LISTENER: _LISTENERS_PASSWORD})
    broker.start()
    try:
        with _listening(port) as heard:
            yield heard
    finally:
        broker.stop()


@contextlib.contextmanager
def _listening(port: int) -> Iterator[list[bytes]]:
    heard: list[bytes] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set(_LISTENER, _LISTENERS_PASSWORD)
    client.on_connect = lambda client, *_: client.subscribe("#")
    client.on_message = lambda _client, _data, message: heard.append(message.topic.encode() + b" " + message.payload)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()
