"""What is made of a good site: the core's plan, its calendar, its differences to another, its reference."""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from callhandler.core.hours import Span, opening
from callhandler.core.model import Serves, Strategy
from callhandler.site.calendars import calendar_problem, holidays_of, schedule
from callhandler.site.diffing import diff
from callhandler.site.loading import LoadedSite, load
from callhandler.site.models import Site
from callhandler.site.plan import plan
from callhandler.site.schema import json_schema, markdown
from callhandler.site.shape import fields, tables
from callhandler.site.values import DESTINATION_PATTERN, MEANINGS

Loaded = Callable[..., LoadedSite]
REPOSITORY = Path(__file__).parents[3]


def test_the_plan_says_what_the_file_says(loaded: Loaded) -> None:
    changes = [
        ('phone = "102"', 'serves = [{ queue = "sales", priority = 2, delay = 30 }]'),
        (
            'strategy = "best skill"',
            'strategy = "ring all"\nring_best = 3\nmax_wait = 300\nmax_length = 7\nbonus = 5\nring = 20',
        ),
        ("[speech] ", "[offers]\nmisses = 3\nback_off_busy = 7\n[speech] "),
    ]
    result = plan(loaded(*changes).site)
    support, ben = result.queues["support"], result.agents["7002"]
    assert [(str(step.wants), step.seconds, step.drop_call_wants) for step in support.steps] == [
        ("support >= 5", 30.0, False),
        ("support", 60.0, False),
        ("", None, True),
    ]
    assert (support.strategy, support.ring_best, support.max_wait, support.max_length) == (
        Strategy.RING_ALL,
        3,
        300.0,
        7,
    )
    assert (support.name, support.wrap_up, support.bonus, support.ring) == ("Support", 15.0, 5.0, 20.0)
    assert (ben.name, ben.phone, ben.serves, ben.skills["spanish"]) == (
        "Ben Ortiz",
        None,
        (Serves("sales", 2, 30.0),),
        10,
    )
    assert result.phones == {"101", "102", "103", "104"}
    assert (result.rules.misses, result.rules.back_off_busy, result.rules.back_off_refused) == (3, 7.0, 10.0)


def test_hours_and_holidays_as_the_core_wants_them(loaded: Loaded) -> None:
    site = loaded(('holidays = "US"', 'holidays = "DE-BE"')).site
    now = datetime(2026, 3, 8, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    made = schedule(site, "office", now)
    assert made.weekly[0] == (Span(540, 1020),)
    assert made.weekly[4] == (Span(540, 720), Span(780, 1020))
    assert made.weekly[6] == ()
    assert {day.year for day in made.holidays} == {2025, 2026, 2027}
    assert made.holidays[date(2026, 3, 8)]  # Women's Day, in Berlin only
    assert opening(made, now).reason == made.holidays[date(2026, 3, 8)]
    assert date(2026, 3, 8) not in holidays_of("DE-BY", 2026)


def test_a_calendar_is_known_or_told_to_be_unknown() -> None:
    assert [calendar_problem(name) is None for name in ("US", "US-CA", "DE-BE", "XX", "DE-XX", "QQ-1")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_no_difference_is_no_line(loaded: Loaded) -> None:
    site = loaded().site
    assert diff(site, site) == []


def test_differences_are_told_one_a_line_and_secrets_are_not(loaded: Loaded) -> None:
    old = loaded()
    pin = old.site.agents["7001"].pin.get_secret_value()
    text = old.path.read_text()
    changes = [
        ('name = "Anna Keller"', 'name = "Anna K."'),
        (pin, "982451"),
        ("english = 10, ", ""),
        ("billing = 4 }", "billing = 5, support = 2 }"),
        ('{ wants = "sales >= 5", for = 20 }', '{ wants = "sales >= 6", for = 20 }'),
        ('{ wants = "support", for = 60 },', ""),
        ('9 = "menu:main"', '9 = "queue:sales"'),
        ("[numbers.5001]", "[numbers.5003]"),
        ("[speech] ", '[mqtt]\npassword = "whisper"\nuser = "u"\n[speech] '),
        ('mon = ["09:00-17:00"]', 'mon = ["09:00-18:00"]'),
    ]
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    old.path.write_text(text)
    lines = diff(old.site, load(old.path).site)
    assert lines == [
        "mqtt: added",
        "agents.7001.name: 'Anna Keller' -> 'Anna K.'",
        "agents.7001.pin: changed",
        "agents.7001.skills.english: removed (10)",
        "agents.7001.skills.billing: 4 -> 5",
        "agents.7001.skills.support: added (2)",
        "queues.sales.steps[0].wants: 'sales >= 5' -> 'sales >= 6'",
        "queues.support.steps: 3 entries -> 2 entries",
        "menus.main.keys.9: 'menu:main' -> 'queue:sales'",
        "hours.office.weekly.mon: ['09:00-17:00'] -> ['09:00-18:00']",
        "numbers.5001: removed",
        "numbers.5003: added",
    ]
    assert not any(secret in "\n".join(lines) for secret in (pin, "982451", "whisper"))


def test_the_configuration_reference_is_current() -> None:
    assert (REPOSITORY / "docs/configuration.md").read_text(encoding="utf-8") == markdown(), (
        "run: python -m callhandler.site.schema --markdown > docs/configuration.md"
    )


def test_the_reference_names_every_destination() -> None:
    named = MEANINGS[DESTINATION_PATTERN].partition(", such as")[0].replace(" or ", ", ").split(", ")
    head = markdown().partition("\n## ")[0]
    assert [one for one in named if f"`{one}`" not in head] == []


def test_the_schema_names_every_section_and_refuses_other_keys() -> None:
    schema = json.loads(json_schema())
    assert set(schema["properties"]) == set(Site.model_fields)
    assert schema["additionalProperties"] is False
    assert "for" in schema["$defs"]["StepRow"]["properties"]


def test_every_field_says_what_it_means() -> None:
    for field in Site.model_fields.values():
        for table in tables(field.annotation):
            assert all(inner.description for inner in fields(table).values()), table
