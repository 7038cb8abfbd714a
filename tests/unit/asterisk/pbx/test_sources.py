"""apt's sources in both formats, and which of them Asterisk is looked for in. All addresses are examples."""

from callhandler.asterisk.pbx.sources import Source, choices, choices_of_release, parse_deb822, parse_one_line

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBIAN = f"""\
Types: deb
# a comment in the middle
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {KEYRING}

Types: deb deb-src
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main contrib

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: sid
Components: main
"""


def test_deb822() -> None:
    assert parse_deb822(DEBIAN) == [
        Source("http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main",), KEYRING),
        Source("http://security.example/debian-security", ("bookworm-security",), ("main", "contrib")),
    ]


def test_a_key_written_into_the_file_is_not_taken_for_a_path() -> None:
    text = (
        "Types: deb\nURIs: http://a.example\nSuites: x\nComponents: main\nSigned-By:\n -----BEGIN PGP-----\n .\n abc\n"
    )
    assert parse_deb822(text)[0].signed_by is None


def test_one_line() -> None:
    text = (
        "# deb http://off.example x main\n"
        "deb http://ports.example/ubuntu jammy main universe # why\n"
        "deb [arch=amd64 signed-by=/k.gpg] https://b.example/debian bookworm main\n"
        "deb-src http://c.example jammy main\nnonsense\n"
    )
    assert parse_one_line(text) == [
        Source("http://ports.example/ubuntu", ("jammy",), ("main", "universe")),
        Source("https://b.example/debian", ("bookworm",), ("main",), "/k.gpg"),
    ]


def test_debian_without_the_package_goes_to_forky_then_sid_on_its_own_mirror() -> None:
    found = choices(parse_deb822(DEBIAN), "bookworm", "debian", [KEYRING])
    assert [one.name for one in found] == ["debian forky", "debian sid"]
    assert found[0].sources_list == f"deb [signed-by={KEYRING}] http://mirror.example/debian forky main\n"


def test_a_release_that_may_have_it_is_asked_first_with_its_updates() -> None:
    sources = parse_one_line(
        "deb http://a.example jammy main universe\n"
        "deb http://a.example jammy-updates universe\n"
        "deb http://other.example stable main\n"
    )
    found = choices(sources, "jammy", "ubuntu", [])
    assert [one.name for one in found] == ["ubuntu jammy"]
    assert "jammy-updates universe" in found[0].sources_list
    assert "other.example" not in found[0].sources_list


def test_a_machine_without_sources_has_no_choice() -> None:
    assert choices([], "bookworm", "debian", [KEYRING]) == []
    assert choices([], "", "", []) == []


def test_another_release_comes_from_the_same_mirrors_with_its_security_repairs() -> None:
    sources = parse_one_line(
        "deb http://a.example/debian bookworm main contrib\n"
        "deb http://a.example/debian bookworm-updates main\n"
        "deb http://b.example/debian-security bookworm-security main\n"
        "deb http://c.example/own stable main\n"
    )
    (found,) = choices_of_release("bullseye", sources, "bookworm", "debian", [KEYRING])
    assert found.sources_list == (
        f"deb [signed-by={KEYRING}] http://a.example/debian bullseye main\n"
        f"deb [signed-by={KEYRING}] http://b.example/debian-security bullseye-security main\n"
    )
    assert choices_of_release("bullseye", sources, "bookworm", "ubuntu", [KEYRING]) == []
    assert choices_of_release("bullseye", sources, "jammy", "debian", [KEYRING]) == []
