"""A new site: what the first look at callhandler finds, and what programs that place calls are told."""

import json
import re
import stat
from pathlib import Path

import pytest

from callhandler.errors import Refused, SiteError
from callhandler.site.describing import describe
from callhandler.site.lint import lint
from callhandler.site.loading import load
from callhandler.site.new import BadOption, init


def test_the_example_is_what_it_should_be(tmp_path: Path) -> None:
    site = init(tmp_path / "site", 31_000).loaded.site
    assert {name: agent.phone for name, agent in site.agents.items()} == {
        "7001": "101",
        "7002": "102",
        "7003": "103",
        "7004": "104",
    }
    assert set(site.phones) == {"101", "102", "103", "104"}
    assert {"sales", "support", "billing", "operator"} == set(site.queues)
    skills = [set(agent.skills) for agent in site.agents.values()]
    assert all("english" in each for each in skills)
    assert sum("german" in each for each in skills) == 1
    assert sum("spanish" in each for each in skills) == 2
    assert all(len(queue.steps) > 1 and queue.steps[-1].drop_call_wants for queue in site.queues.values())
    assert site.company.operator == "queue:operator"
    assert str(site.trunks["pstn"].host) == "127.0.0.1"
    assert (site.numbers["5000"].enters, site.numbers["5000"].hours) == ("menu:main", None)
    assert (site.numbers["5002"].hours, site.numbers["5002"].closed) == ("office", "say:closed")


def test_all_ports_are_counted_from_the_base(tmp_path: Path) -> None:
    asterisk = init(tmp_path, 31_000).loaded.site.asterisk
    assert (asterisk.sip_port, asterisk.ami_port, asterisk.agi_port) == (31_000, 31_001, 31_002)
    assert (asterisk.rtp_first, asterisk.rtp_last) == (31_100, 31_899)
    assert init(tmp_path / "default").loaded.site.asterisk.sip_port == 5060


@pytest.mark.parametrize("base", [0, -1, 1023, 64_637, 10**9])
def test_ports_that_do_not_fit_are_refused(tmp_path: Path, base: int) -> None:
    with pytest.raises(Refused, match="between 1024 and 64636"):
        init(tmp_path, base)
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_it_and_secrets_are_its_own(tmp_path: Path) -> None:
    first, second = init(tmp_path / "a").loaded, init(tmp_path / "b").loaded
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    mine, others = (
        [line for line in each.path.read_text().splitlines() if "pin = " in line or "password = " in line]
        for each in (first, second)
    )
    assert len(mine) == 8
    assert not set(mine) & set(others)
    assert all(len(agent.pin.get_secret_value()) == 6 for agent in first.site.agents.values())


def test_many_new_sites_are_all_clean(tmp_path: Path) -> None:
    for index in range(20):
        assert lint(init(tmp_path / str(index)).loaded) == []


def test_what_the_readme_adds_to_a_new_site_is_clean_too(tmp_path: Path) -> None:
    path, readme = init(tmp_path).loaded.path, Path(__file__).parents[3] / "README.md"
    for table in re.findall(r"```toml\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL):
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{table}", encoding="utf-8")
    assert [str(finding) for finding in lint(load(path))] == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = init(tmp_path).loaded.path
    before = path.read_bytes()
    with pytest.raises(Refused, match="there already"):
        init(tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("at", ["file", "file/inner/deep", "with/var", "with/var/log"])
def test_a_file_where_a_folder_is_wanted_is_named_and_nothing_is_made(tmp_path: Path, at: str) -> None:
    (tmp_path / "file").write_text("")
    if at.startswith("with"):
        (tmp_path / at).parent.mkdir(parents=True)
        (tmp_path / at).write_text("")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Refused, match="is a file; name a folder"):
        init(tmp_path / at.partition("/var")[0])
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_with_somebody_s_site_gets_no_folders(tmp_path: Path) -> None:
    (tmp_path / "callhandler.toml").write_text("mine")
    with pytest.raises(Refused, match="there already, and nothing was changed"):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["callhandler.toml"]


@pytest.mark.parametrize("name", ['Bäcker "Bob" & Söhne', "a\\b", "${EXTEN}; rm -rf", "𝔘", "'''", '"""', "$sip_port"])
def test_any_company_name_is_written_as_it_is(tmp_path: Path, name: str) -> None:
    assert init(tmp_path, company=name).loaded.site.company.name == name


@pytest.mark.parametrize("company", ["", "a\nb", "x" * 81, "a\x7fb", "\udcff"])
def test_a_name_that_cannot_be_used_is_refused_before_anything_is_made(tmp_path: Path, company: str) -> None:
    with pytest.raises(BadOption, match=r"^the company's name ") as refused:
        init(tmp_path / "new" / "site", company=company)
    assert (refused.value.option, list(tmp_path.iterdir())) == ("--company", [])


@pytest.mark.parametrize("zone", ["Nowhere/City", 'U"TC'])
def test_so_is_a_zone(tmp_path: Path, zone: str) -> None:
    with pytest.raises(SiteError, match="time_zone"):
        init(tmp_path / "site", time_zone=zone)
    assert list(tmp_path.iterdir()) == []


def test_the_time_zone_is_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    assert init(tmp_path).loaded.site.company.time_zone == "Asia/Kathmandu"


def test_programs_are_told_what_they_need_to_place_calls(tmp_path: Path) -> None:
    loaded = init(tmp_path, 31_000).loaded
    told = json.loads(json.dumps(describe(loaded)))
    assert told["sip"] == {"address": "127.0.0.1", "port": 31_000, "transport": "udp"}
    assert told["trunk"] == {
        "id": "pstn",
        "address": "127.0.0.1",
        "port": 31_000,
        "number": "5000",
        "uri": "sip:5000@127.0.0.1:31000",
    }
    assert told["menu"]["keys"] == {
        "1": "queue:sales",
        "2": "queue:support",
        "3": "queue:billing",
        "9": "menu:main",
        "0": "queue:operator",
    }
    assert told["numbers"] == ["5000", "5001", "5002"]
    assert [phone["uri"] for phone in told["phones"]] == [f"sip:10{index}@127.0.0.1:31000" for index in range(1, 5)]
    assert told["phones"][0]["password"] == loaded.site.phones["101"].password.get_secret_value()
    assert told["agents"][0]["pin"] == loaded.site.agents["7001"].pin.get_secret_value()
    assert told["codes"] == {"login": "*60", "logout": "*61", "pause": "*62", "resume": "*63"}
    assert told["ami"]["port"] == 31_001
    assert told["agi"] == {"host": "127.0.0.1", "port": 31_002}
    assert told["control"] == str(tmp_path.resolve() / "var/control.sock")
    assert told["journal"] == str(tmp_path.resolve() / "var/journal.db")


def test_a_site_without_trunk_and_numbers_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "callhandler.toml"
    path.write_text(
        'company = { name = "A", operator = "phone:1" }\nasterisk = { ami_secret = "123456789012" }\nphones.1 = { password = "12345678" }'
    )
    told = describe(load(path))
    assert (told["trunk"], told["menu"], told["numbers"]) == (None, None, [])
