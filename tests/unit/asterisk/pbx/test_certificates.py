"""Certificates as phones judge them: the authority is kept, names are checked, keys are for their owner alone."""

import ssl
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.certificates import make
from callhandler.errors import Refused


def files(folder: Path) -> dict[str, tuple[str, bytes]]:
    return {path.name: (oct(path.stat().st_mode & 0o777), path.read_bytes()) for path in folder.iterdir()}


def test_a_second_certificate_is_of_the_same_authority(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    first = make(folder, folder / "crt", folder / "key", ["192.0.2.1", "pbx.example"])
    before = files(folder)
    assert {name: mode for name, (mode, _) in before.items()} == {
        "ca.crt": "0o644", "ca.key": "0o600", "crt": "0o644", "key": "0o600"
    }  # fmt: skip
    make(folder, folder / "crt", folder / "key", ["2001:db8::1"])
    after = files(folder)
    assert {name for name in after if after[name] == before[name]} == {"ca.crt", "ca.key"}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(first.certificate, first.key)  # raises where they don't belong together
    context.load_verify_locations(first.authority)
    (authority,) = context.get_ca_certs()
    assert authority["issuer"] == authority["subject"]


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "",
        "x,DNS:evil.example",
        "a\nb",
        "-a",
        "a..b",
        "é.example",
        "a" * 300,
        "*.example",
        "300.1.1.1",
        "1.2.3",
        "7",
    ],
)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        make(tmp_path, tmp_path / "crt", tmp_path / "key", [name])
    assert list(tmp_path.iterdir()) == []


def test_no_name_at_all(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        make(tmp_path, tmp_path / "crt", tmp_path / "key", [])
