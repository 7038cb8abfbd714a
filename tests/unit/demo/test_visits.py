"""What the demo's callers do is the same for the same seed, has every kind of call, and fits the demo's own site."""

from itertools import pairwise
from pathlib import Path

import pytest

from callhandler.demo.menus import queue_reached
from callhandler.demo.place import Ports, write_site
from callhandler.demo.run import as_json
from callhandler.demo.sipp import Sipp, scenario_text
from callhandler.demo.visits import KEYS, MOODS, SPREAD, Kind, Manner, reactions, visits
from callhandler.errors import Refused
from callhandler.site.lint import lint
from callhandler.site.models import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path / "demo", Ports(20_000)).site


def test_a_seed_gives_the_same_callers_again_and_another_seed_others() -> None:
    assert visits(1) == visits(1)
    assert visits(1) != visits(2)
    assert reactions(1, "101") == reactions(1, "101")
    assert reactions(1, "101") != reactions(1, "102")


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_of_call_is_among_at_least_forty(seed: int) -> None:
    callers = visits(seed)
    assert len(callers) >= 40
    assert {caller.kind for caller in callers} == set(Kind)
    assert len({caller.number for caller in callers}) == len(callers)
    assert all(a.start <= b.start for a, b in pairwise(callers))
    assert all(0 <= caller.start <= SPREAD and len(caller.presses) <= KEYS for caller in callers)


def test_phones_refuse_and_ring_out_where_they_should() -> None:
    manners = {phone: [one.manner for one in reactions(3, phone)] for phone in MOODS}
    assert {manner for each in manners.values() for manner in each} == set(Manner)
    assert all(each[-1] is Manner.ANSWER for each in manners.values())


def test_the_site_is_one_that_nobody_would_complain_about(tmp_path: Path) -> None:
    loaded = write_site(tmp_path / "demo", Ports(20_000))
    assert [str(finding) for finding in lint(loaded)] == []
    assert loaded.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="is there already"):
        write_site(tmp_path / "demo", Ports(20_000))


def test_a_folder_with_files_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("")
    with pytest.raises(Refused, match=r"letter\.txt is there already; the demo wants an empty folder"):
        write_site(tmp_path, Ports(20_000))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("keys", "queue"),
    [("", None), ("1", "sales"), ("2", None), ("21", "support"), ("22", "billing"), ("71", "sales"), ("0", "operator"), ("291", "sales")],
)  # fmt: skip
def test_keys_lead_where_the_site_file_says(site: Site, keys: str, queue: str | None) -> None:
    assert queue_reached(site, "5000", list(keys)) == queue


def test_one_skill_is_one_agents_alone(site: Site) -> None:
    assert [id_ for id_, agent in site.agents.items() if "billing" in agent.skills] == ["7006"]


def test_scenarios_are_whole_and_rows_cannot_break_out(tmp_path: Path) -> None:
    for name, values in (("caller", {"keys": KEYS}), ("agent", {"file": "a.csv"}), ("register", {})):
        text = scenario_text(name, **values)
        assert text.count("<scenario") == text.count("</scenario>") == 1
        assert "{{" not in text
    with pytest.raises(ValueError, match="CSV"):
        Sipp(["false"], tmp_path, 1).start("x", "register", [("101;evil",)], 1, 2)


def test_logs_are_read_and_lines_of_no_call_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text(
        'rang 4930 1795288388.000000 932676.000000 "Sales: Mo" \ncancelled  1795288422.000000 130281.000000 \nhalf a li'
    )
    (line,) = Sipp([], tmp_path, 1).lines("x")
    assert (line.event, line.number, line.rest) == ("rang", "4930", '"Sales: Mo"')
    assert line.at == pytest.approx(1795288388.932676)
    assert list(Sipp([], tmp_path, 1).lines("never started")) == []


def test_a_line_of_a_moment_without_microseconds_is_read(tmp_path: Path) -> None:
    """As seen in a soak, one line in a million: SIPp writes nothing where a number is 0."""
    (tmp_path / "x.log").write_text('rang +4930 1795341718.000000  1091  "Line: straight" \n')
    (line,) = Sipp([], tmp_path, 1).lines("x")
    assert (line.event, line.number, line.at, line.rest) == ("rang", "+4930", 1795341718.0, '1091  "Line: straight"')


def test_json_counts_both() -> None:
    assert '"agree": 0' in as_json([])
