"""What an Asterisk lacks: the versions at which things came, and a sentence for each thing that is missing."""

import pytest

from callhandler.asterisk.lacking import INSTEAD, NEEDED, filters_by_name, numbers, of_modules, of_version
from callhandler.asterisk.pbx.modules import LISTED


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("22.10.1+dfsg", (22, 10, 1)), ("16.28.0~dfsg-0+deb11u10", (16, 28, 0)), ("20.7-cert5", (20, 7, 5)),
        ("certified/18.9-cert1", (18, 9, 1)), ("certified-20.7-cert2", (20, 7, 2)), ("20.20.0-rc1", (20, 20, 0)),
        ("GIT-master-abc", None), ("", None),
    ],
)  # fmt: skip
def test_versions(text: str, found: tuple[int, ...] | None) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    "version", [(18, 26, 0), (20, 11, 0), (20, 20, 1), (21, 6, 0), (22, 1, 0), (22, 10, 1), (23, 0)]
)
def test_events_are_filtered_by_name_from_these_on(version: tuple[int, ...]) -> None:
    assert filters_by_name(version)


@pytest.mark.parametrize(
    "version", [(16, 28, 0), (16, 99), (17, 9), (18, 25, 0), (19, 8), (20, 10, 9), (21, 5), (22, 0, 0), (18,)]
)
def test_events_are_not_filtered_by_name_before(version: tuple[int, ...]) -> None:
    assert not filters_by_name(version)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ((), []), ((22, 10, 1), []), ((23, 4, 1), []), ((24, 0, 0), []), ((22, 10, 0), ["mended in 22.10.1"]),
        ((20, 9, 1), ["mended in 20.20.1", "CVE-2024-42365"]), ((20, 9, 2), ["mended in 20.20.1"]), ((21, 9, 1), ["no repairs"]),
        ((18, 24, 2), ["no repairs"]), ((16, 28, 0), ["no repairs", "CVE-2024-42365"]),
        ((13, 38, 3), ["never tried", "no repairs", "CVE-2024-42365"]),
    ],
)  # fmt: skip
def test_what_a_version_lacks(version: tuple[int, ...], said: list[str]) -> None:
    found = of_version(version)
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("certified/18.9-cert10", ["Asterisk 18.9-cert10 with the module func_env"]), ("certified/18.9-cert11", []),
        ("certified-20.7-cert1", ["CVE-2024-42365"]), ("certified-20.7-cert2", []), ("22.8-cert1", []),
        ("certified/13.21-cert6", ["never tried", "CVE-2024-42365"]),
    ],
)  # fmt: skip
def test_a_certified_release_is_not_judged_like_the_plain_one_it_began_as(text: str, said: list[str]) -> None:
    found = of_version(numbers(text) or ())
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))


def test_a_hole_that_a_module_opens() -> None:
    hole = "CVE-2024-42365"
    assert any(hole in sentence for sentence in of_version((16, 28, 0), {"func_env", "app_dial"}))
    assert not any(hole in sentence for sentence in of_version((16, 28, 0), LISTED)), "the private one doesn't load it"
    assert not any(hole in sentence for sentence in of_version((22, 10, 1), {"func_env"}))


def test_what_a_build_lacks() -> None:
    assert of_modules(["app_chanspy"]) == ["module app_chanspy isn't there: callers on hold hear music and no word"]
    assert of_modules(["app_dial"]) == ["module app_dial isn't there: calls fail"]
    assert of_modules(["codec_gsm"]) == [], "nobody misses it"
    assert {*INSTEAD, *NEEDED} <= LISTED, "only what is loaded at all can be missing"
    assert not INSTEAD.keys() & {*NEEDED}
