"""Which numbers may be called: premium, emergency, internal, foreign and refused ones never, however they are written."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.errors import Refused
from callhandler.numbers import SiteNumbers
from callhandler.site.loading import load
from callhandler.site.models import Site
from callhandler.site.new import example

CALLBACKS = """
[callbacks]
trunk = "pstn"
countries = ["US", "DE"]
refuse = ["+49151", "+1202555019"]
hours = "office"
caller_number = "2025550102"

[numbers."+12025550100"]
enters = "queue:sales"

[numbers.12025550101]
enters = "queue:sales"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    path = tmp_path_factory.mktemp("numbers") / "callhandler.toml"
    path.write_text(example(15_000, "Acme", "America/New_York") + CALLBACKS, encoding="utf-8")
    return load(path).site


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("2025550123", "+12025550123"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("1-202-555-0123", "+12025550123"),
        ("011 49 30 11122233", "+493011122233"),
        ("493011122233", "+493011122233"),
        ("+49.30.11122233", "+493011122233"),
    ],
)
def test_a_good_number_is_one_number_however_it_is_written(site: Site, written: str, number: str) -> None:
    assert SiteNumbers(site).judged(written) == number


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("", "no number is known"),
        ("anonymous", "is no telephone number: digits are"),
        ("+", "no number is known"),
        ("911", "emergency"),
        ("112", "emergency"),
        ("110", "emergency"),
        ("101", "one of our own"),
        ("7001", "one of our own"),
        ("5000", "one of our own"),
        ("+12025550100", "one of our own"),
        ("2025550100", "one of our own"),
        ("+12025550101", "one of our own"),
        ("(202) 555-0101", "one of our own"),
        ("+12025550102", "one of our own"),
        ("19005551234", "premium"),
        ("+499001234567", "premium"),
        ("+12462501234", "not in a country"),
        ("+442079460123", "not in a country"),
        ("+881612345678", "not in a country"),
        ("+4915112345678", "begin with +49151"),
        ("2025550199", "begin with +1202555019"),
        ("123", "no telephone number in US: those of elsewhere begin with +"),
        ("+1202555012", "no telephone number$"),
        ("2025550123;ext=1", "is no telephone number: digits are"),
        ("2025550123@evil", "is no telephone number: digits are"),
        ("٢٠٢٥٥٥٠١٢٣", "is no telephone number: digits are"),
        ("2" * 30, "no telephone number"),
    ],
)
def test_others_are_refused(site: Site, number: str, why: str) -> None:
    with pytest.raises(Refused, match=why.replace("+", r"\+")):
        SiteNumbers(site).judged(number)


@given(st.one_of(st.text(max_size=30), st.text(alphabet="+0123456789 ()-./*#", max_size=24)))
def test_whatever_is_said_only_numbers_of_the_allowed_countries_come_out(site: Site, text: str) -> None:
    try:
        number = SiteNumbers(site).judged(text)
    except Refused:
        return
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert number.startswith(("+1", "+49"))
    assert SiteNumbers(site).judged(number) == number


def test_it_is_day_by_the_clock_of_who_is_called(site: Site) -> None:
    numbers = SiteNumbers(site)
    at = 1_773_241_200.0  # Wednesday 2026-03-11, 15:00 UTC: 11:00 in New York, 08:00 in Los Angeles
    assert site.callbacks is not None
    here, west = numbers.opening("+12025550123", at), numbers.opening("+13105550123", at)
    assert here is not None
    assert west is not None
    assert (here.open, west.open) == (True, False)
    assert west.changes_at == at + 3_600.0


def test_without_a_table_the_site_s_own_country_is_called(tmp_path: Path) -> None:
    path = tmp_path / "callhandler.toml"
    path.write_text(example(15_000, "Acme", "UTC"), encoding="utf-8")
    numbers = SiteNumbers(load(path).site)
    assert numbers.judged("2025550123") == "+12025550123"
    with pytest.raises(Refused):
        numbers.judged("+493011122233")
    assert numbers.opening("+12025550123", 0.0) is None


def test_only_prefixes_that_are_named_are_called_where_any_are(tmp_path: Path) -> None:
    path = tmp_path / "callhandler.toml"
    allowed = CALLBACKS.replace("refuse =", 'prefixes = ["+4930", "+1202"]\nrefuse =')
    path.write_text(example(15_000, "Acme", "UTC") + allowed, encoding="utf-8")
    numbers = SiteNumbers(load(path).site)
    assert numbers.judged("2025550123") == "+12025550123"
    assert numbers.judged("+493011122233") == "+493011122233"
    for number, why in (("3105550188", "not among the numbers"), ("+12025550190", "are not called")):
        with pytest.raises(Refused, match=why):
            numbers.judged(number)


def test_our_own_numbers_are_open_by_our_own_clock(site: Site) -> None:
    numbers = SiteNumbers(site)
    at = 1_773_241_200.0  # Wednesday 2026-03-11, 11:00 in New York
    there = numbers.house("5002", at)
    assert there is not None
    assert (there.open, there.changes_at) == (True, at + 6 * 3_600.0)
    assert numbers.house("5000", at) is None, "open always"
    assert numbers.house("no number", at) is None


@pytest.mark.parametrize(
    ("when", "shown", "twice"),
    [
        ("2026-11-01T05:59:59+00:00", "2026-11-01 01:59", True),
        ("2026-11-01T06:00:00+00:00", "2026-11-01 01:00", True),
        ("2026-11-01T04:59:59+00:00", "2026-11-01 00:59", False),
        ("2026-11-01T07:00:00+00:00", "2026-11-01 02:00", False),
        ("2026-03-08T07:00:00+00:00", "2026-03-08 03:00", False),
    ],
)
def test_the_hour_in_which_summer_time_ends_comes_twice(site: Site, when: str, shown: str, *, twice: bool) -> None:
    numbers, at = SiteNumbers(site), datetime.fromisoformat(when).timestamp()
    assert (numbers.clock(at), numbers.comes_twice(at)) == (shown, twice)
