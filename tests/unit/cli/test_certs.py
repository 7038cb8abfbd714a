"""`callhandler certs`: what is made and said; certificates of one's own are left alone."""

import json
from pathlib import Path

import pytest

from callhandler.cli import main
from callhandler.site.new import init


def test_a_certificate_of_ones_own_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = init(tmp_path / "site").loaded.path
    path.write_text(path.read_text() + '\n[tls]\nport = 5064\ncertificate = "own.crt"\n')
    assert main(["certs", "pbx.example", "--site", str(path.parent)]) == 1
    assert "names a certificate of your own" in capsys.readouterr().err
    assert not (path.parent / "var" / "tls").exists()


def test_an_address_that_can_not_be_is_no_host_name_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = init(tmp_path / "site").loaded.directory
    assert main(["certs", "300.1.1.1", "--site", str(site)]) == 1
    assert "'300.1.1.1' is neither a host name nor an address" in capsys.readouterr().err
    assert main(["certs", "pbx.300", "--site", str(site)]) == 1
    assert main(["certs", "300.example", "--site", str(site)]) == 0


def test_what_is_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = init(tmp_path / "site").loaded.directory
    assert main(["certs", "pbx.example", "192.0.2.1", "--site", str(site), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["names"] == ["pbx.example", "192.0.2.1"]
    assert {Path(told[name]).name for name in ("authority", "certificate", "key")} == {
        "ca.crt",
        "asterisk.crt",
        "asterisk.key",
    }
    assert all(Path(told[name]).is_file() for name in ("authority", "certificate", "key"))
    assert main(["certs", "--site", str(site)]) == 0, "names of its own, too"
    assert "Add the table [tls]" in capsys.readouterr().out
