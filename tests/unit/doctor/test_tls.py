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
    assert (good.trouble, good.wants_another) == ("", False)
    assert good.ends is not None
    for found, says in ((not_yet, "not the one in"), (old_and_over, "not the one in"), (nobody, "nobody speaks TLS")):
        assert (says in found.trouble, found.ends, found.wants_another) == (True, None, False), found
    for found, says in ((away, "can't be used"), (ended, "not good by its dates")):
        assert (says in found.trouble, found.ends, found.wants_another) == (True, None, True), found
