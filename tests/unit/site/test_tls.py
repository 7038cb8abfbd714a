"""What `check` says of encryption: certificates that aren't there, keys that others can read, phones that can't be encrypted."""

from pathlib import Path

import pytest

from callhandler.site.findings import Severity, SiteMistakes
from callhandler.site.lint import lint
from callhandler.site.loading import load
from callhandler.site.new import init


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = init(tmp_path / "site").loaded.path
    made.write_text(made.read_text().replace("[trunks.pstn]", "[trunks.pstn]\nencrypted = true"))
    return made


def test_encryption_needs_its_table(path: Path) -> None:
    with pytest.raises(SiteMistakes, match=r"trunks\.pstn\.encrypted.*there is no table \[tls\]"):
        load(path)


def test_its_port_is_its_own(path: Path) -> None:
    path.write_text(path.read_text() + "\n[tls]\nport = 5060\n")
    with pytest.raises(SiteMistakes, match="5060 is sip_port too"):
        load(path)


def test_files_that_are_not_there_and_a_key_that_anybody_can_read(path: Path) -> None:
    path.write_text(path.read_text() + '\n[tls]\nport = 5064\ntrusted = "ca.pem"\n')
    assert told(path) == {
        ("tls.certificate", Severity.ERROR),
        ("tls.key", Severity.ERROR),
        ("tls.trusted", Severity.ERROR),
    }
    folder = path.parent / "var" / "tls"
    folder.mkdir()
    for file in (folder / "asterisk.crt", folder / "asterisk.key", path.parent / "ca.pem"):
        file.touch(0o644)
    assert told(path) == {("tls.key", Severity.WARNING)}
    (folder / "asterisk.key").chmod(0o600)
    assert told(path) == set()


def told(path: Path) -> set[tuple[str, Severity]]:
    return {(finding.key, finding.severity) for finding in lint(load(path)) if finding.key.startswith("tls")}
