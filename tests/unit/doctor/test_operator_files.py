"""An operator's configuration as FreePBX writes it: includes of includes, templates, comments, users open to anyone."""

from pathlib import Path

import pytest

from callhandler.doctor.operator_files import look, read

MANAGER = """;
; generated - do not edit
[general]
enabled = yes
port = 5038
bindaddr = 127.0.0.1 ; loopback
;--
[hidden]
secret = no
--;
#include manager_additional.conf
displayconnects=no
[admin]
secret = a\\;b=c
deny=0.0.0.0/0.0.0.0
permit=127.0.0.1/255.255.255.0
read = system,call
[wide](!)
secret => x
[told]
secret = y
acl = office
[both]
secret = y
deny = 0.0.0.0/0.0.0.0
permit+=0.0.0.0/0.0.0.0
garbage without a sign
#include "manager_custom.conf"
#include nowhere.conf
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manager.conf").write_text(MANAGER)
    (tmp_path / "manager_additional.conf").write_text("webenabled = no\n")
    (tmp_path / "manager_custom.conf").write_text("#include callhandler_manager.conf\n#include manager_custom.conf\n")
    (tmp_path / "callhandler_manager.conf").write_bytes(
        b"; \xe9\n[callhandler]\nsecret = z\nwritetimeout = 5000\neventfilter(action(include),name(Hangup)) =\n"
    )
    (tmp_path / "extensions.conf").write_text("#tryinclude <callhandler_extensions.conf>\n[globals]\n")
    (tmp_path / "callhandler_extensions.conf").write_text("[callhandler-entry]\nexten => s,1,NoOp(${A}=1)\n")
    return tmp_path


def test_what_is_included_and_who_is_open(folder: Path) -> None:
    seen = look(folder, "callhandler")
    assert seen.readable
    assert {"callhandler_manager.conf", "callhandler_extensions.conf"} <= seen.includes
    assert "nowhere.conf" not in seen.includes
    assert seen.open_users == ("wide", "both")
    assert (seen.bindaddr, seen.writetimeout) == ("127.0.0.1", 5_000)


def test_rendered_files_that_anybody_can_read(folder: Path) -> None:
    (folder / "callhandler_manager.conf").chmod(0o640)
    (folder / "callhandler_extensions.conf").chmod(0o644)
    assert look(folder, "callhandler").readable_by_others == ("callhandler_extensions.conf",)


def test_a_section_goes_on_after_an_include(folder: Path) -> None:
    conf = read(folder, "manager.conf")
    assert conf.last("general", "webenabled") == "no"
    assert conf.last("general", "displayconnects") == "no"
    assert conf.last("general", "nothing") is None
    assert "hidden" not in conf.sections


def test_nothing_is_known_of_a_folder_without_files(tmp_path: Path) -> None:
    assert not look(tmp_path, "callhandler").readable


def test_no_bindaddr_means_everywhere(tmp_path: Path) -> None:
    (tmp_path / "manager.conf").write_text("[general]\nenabled = yes\n")
    assert look(tmp_path, "callhandler").bindaddr == "0.0.0.0"
