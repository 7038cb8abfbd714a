"""What a phone is shown over TLS, told apart by what mends it: another certificate, or a start that shows the one in the file."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from callhandler.asterisk.pbx import certificates
from callhandler.asterisk.pbx.certificates import Certificates
from callhandler.doctor import tls
from callhandler.doctor.seen import Shown


@contextlib.contextmanager
def showing(one: Certificates) -> Iterator[int]:
    """Somebody who shows a certificate to whoever connects; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(one.certificate, one.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def shake_hands() -> None:
            with contextlib.suppress(OSError):  # an SSLError is one: whoever connects doesn't like what is shown
                while True:
                    link, _ = listening.accept()
                    with link, contextlib.suppress(OSError):
                        context.wrap_socket(link, server_side=True).close()

        thread = threading.Thread(target=shake_hands, name="showing")
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(30)


def made(folder: Path, name: str) -> Certificates:
    return certificates.make(folder, folder / f"{name}.crt", folder / f"{name}.key", ["localhost"])


def test_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, new = made(tmp_path, "now"), made(tmp_path, "new")
    monkeypatch.setattr(certificates, "DAYS", -1)
    over = made(tmp_path, "over")
    with showing(now) as port:
        good = tls.look("127.0.0.1", port, now.certificate)
        not_yet = tls.look("127.0.0.1", port, new.certificate)
        away = tls.look("127.0.0.1", port, tmp_path / "none.crt")
    with showing(over) as port:
        ended = tls.look("127.0.0.1", port, over.certificate)
        old_and_over = tls.look("127.0.0.1", port, new.certificate)
    nobody = tls.look("127.0.0.1", port, new.certificate)
    assert (good.shown, good.trouble, good.ends > 0) == (Shown.OWN, "", True)
    for found, shown, says in (
        (not_yet, Shown.OTHER, "not the one in"),
        (old_and_over, Shown.OTHER, "not the one in"),
        (nobody, Shown.NONE, "nobody speaks TLS"),
        (away, Shown.UNUSABLE, "can't be used"),
        (ended, Shown.UNUSABLE, "has expired"),
    ):
        assert (found.shown, says in found.trouble) == (shown, True), found
