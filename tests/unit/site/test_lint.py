"""Lint: the example site is clean; each thing nobody can want is found at its key."""

import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from callhandler.asterisk.sounds import make_sounds, unspoken
from callhandler.site import lint_people
from callhandler.site.findings import Severity
from callhandler.site.lint import lint
from callhandler.site.loading import LoadedSite, load

Loaded = Callable[..., LoadedSite]
Change = tuple[str, str]

ERROR, WARNING = Severity.ERROR, Severity.WARNING
LAST_OPERATOR_STEP = '{ wants = "", for = 20 },\n    { wants = "", drop_call_wants = true },'

FOUND: list[tuple[list[Change], Severity, str, str]] = [
    # a menu that can't be left
    (
        [
            (
                "[menus.languages] ",
                '[menus.trap]\nprompt = "main-menu"\nkeys.1 = "menu:trap"\n'
                'operator_key = false\nfallback = "menu:trap"\n[menus.languages] ',
            )
        ],
        ERROR,
        "menus.trap",
        "can't be left",
    ),
    # a menu from which nobody can be reached by keys
    (
        [
            (
                "[menus.languages] ",
                '[menus.cold]\nprompt = "main-menu"\nkeys.1 = "say:closed"\noperator_key = false\n[menus.languages] ',
            )
        ],
        ERROR,
        "menus.cold",
        "no key leads to a person",
    ),
    # fallbacks that go round
    (
        [
            ('"queue:operator"   #', '"queue:support"   #'),
            ('fallback = "say:nobody-here"\nstrategy', 'fallback = "operator"\nstrategy'),
        ],
        ERROR,
        "queues.support.fallback",
        "go round for ever: queue:support -> queue:support",
    ),
    (
        [
            ('fallback = "say:nobody-here"\nwrap_up = 10', 'fallback = "queue:support"\nwrap_up = 10'),
            ('fallback = "say:nobody-here"\nstrategy', 'fallback = "queue:sales"\nstrategy'),
        ],
        ERROR,
        "queues.sales.fallback",
        "queue:sales -> queue:support -> queue:sales",
    ),
    # deep and wide menus
    (
        [
            ('enters = "menu:languages"', 'enters = "menu:a"'),
            (
                "[menus.languages] ",
                '[menus.a]\nprompt = "main-menu"\nkeys.1 = "menu:b"\n[menus.b]\nprompt = "main-menu"\nkeys.1 = "menu:c"\n'
                '[menus.c]\nprompt = "main-menu"\nkeys.1 = "menu:languages"\n[menus.languages] ',
            ),
        ],
        WARNING,
        "menus.languages",
        "4 menus deep",
    ),
    (
        [('9 = "menu:main"', "\n".join(f'{key} = "queue:sales"' for key in range(4, 10)))],
        WARNING,
        "menus.main.keys",
        "there are 9 choices",
    ),
    # skills
    (
        [('wants = "sales >= 5"', 'wants = "sale >= 5"')],
        ERROR,
        "queues.sales.steps[0].wants",
        "nobody has the skill `sale`",
    ),
    (
        [('wants = "sales >= 5"', 'wants = "sales >= 10"')],
        WARNING,
        "queues.sales.steps[0].wants",
        "can ever meet this step",
    ),
    ([("german = 10, ", "")], ERROR, "menus.languages.keys.3.language", "nobody has the skill `german`"),
    (
        [("german = 10, ", ""), (LAST_OPERATOR_STEP, '{ wants = "" }')],
        WARNING,
        "queues.operator",
        "nobody here speaks german",
    ),
    # a queue nobody can serve
    (
        [(LAST_OPERATOR_STEP, '{ wants = "sales >= 10" },')],
        ERROR,
        "queues.operator",
        "nobody who serves this queue has",
    ),
    (
        [(f'phone = "10{index}"', f'phone = "10{index}"\nserves = [{{ queue = "sales" }}]') for index in range(1, 5)],
        ERROR,
        "queues.billing",
        "no agent serves this queue",
    ),
    # prompts, files
    (
        [
            ('text = "We are closed', 'file = "prompts/no.wav"\n#'),
            ('texts.es = "Ahora', "#"),
            ('texts.de = "Gerade ist', "#"),
        ],
        ERROR,
        "prompts.closed.file",
        "there is no recording",
    ),
    ([('texts.de = "Gerade ist', "#")], WARNING, "prompts.closed", "isn't said in de"),
    ([("[speech] ", '[lookup]\ncsv = "nowhere.csv"\n[speech] ')], ERROR, "lookup.csv", "there is no file"),
    ([("[asterisk]", '[asterisk]\nmusic = "nowhere"')], ERROR, "asterisk.music", "there is no folder"),
    # hours
    ([('mon = ["09:00-17:00"]', 'mon = ["13:00-18:00", "09:00-13:01"]')], ERROR, "hours.office.weekly.mon", "overlap"),
    (
        [('open = ["09:00-12:00"]', 'open = ["09:00-12:00", "08:00-10:00"]')],
        ERROR,
        "hours.office.special[0].open",
        "overlap",
    ),
    ([('closed = "say:closed"', 'closed = "hangup"')], ERROR, "numbers.5002.closed", "without a word when closed"),
    (
        [("[speech] ", '[callbacks]\ntrunk = "pstn"\n[speech] ')],
        WARNING,
        "callbacks",
        "are called then",
    ),
    ([("[speech] ", '[callbacks]\ntrunk = "pstn"\n[speech] ')], WARNING, "callbacks", "customers see `asterisk`"),
    (
        [("[speech] ", '[callbacks]\ntrunk = "pstn"\nhours = "office"\ncaller_number = "12"\n[speech] ')],
        WARNING,
        "callbacks.caller_number",
        "is no telephone number in US",
    ),
    # the promise
    ([("[speech] ", "[waiting]\ncheck_in_aim = 80\n[speech] ")], WARNING, "waiting.check_in_aim", "will begin earlier"),
    (
        [("[speech] ", "[waiting]\nhold_check_in = 80\n[speech] ")],
        WARNING,
        "waiting.hold_check_in",
        "will begin earlier",
    ),
    ([("[speech] ", "[waiting]\ncheck_in_at_most = 15\n[speech] ")], WARNING, "waiting.check_in_at_most", "words take"),
    # numbers
    ([('enters = "menu:languages"', 'enters = "hangup"')], ERROR, "numbers.5001.enters", "without a word"),
    (
        [('enters = "menu:languages"', 'enters = "menu:languages"\ntrunks = []\nphones = false')],
        ERROR,
        "numbers.5001",
        "neither",
    ),
    (
        [('enters = "menu:languages"', 'enters = "menu:main"')],
        WARNING,
        "menus.languages",
        "no number, menu or fallback leads here",
    ),
    ([('3 = { to = "queue:billing", reason = "billing" }', "")], WARNING, "queues.billing", "leads here"),
    ([('hours = "office"', ""), ('closed = "say:closed"', "")], WARNING, "hours.office", "is never used"),
]


def test_the_example_site_is_clean(loaded: Loaded) -> None:
    assert [str(finding) for finding in lint(loaded())] == []


@pytest.mark.parametrize(("changes", "severity", "key", "sentence"), FOUND)
def test_what_nobody_can_want_is_found(
    loaded: Loaded, changes: list[Change], severity: Severity, key: str, sentence: str
) -> None:
    findings = lint(loaded(*changes))
    assert [
        finding
        for finding in findings
        if finding.key == key and finding.severity is severity and sentence in finding.sentence
    ], [str(finding) for finding in findings]


def test_weak_secrets_are_found(loaded: Loaded) -> None:
    site = loaded(("[speech] ", "# "), ("command = ", "# "))
    weak = {
        "agents": {"7001": "1234", "7002": "123456", "7003": "111111", "7004": "700412"},
        "phones": {"101": "password101!", "102": "short102", "103": "abababababababab", "104": "k3jx90qmz7w2"},
    }
    text = site.path.read_text()
    for name, pin in weak["agents"].items():
        text = replaced_after(text, f"[agents.{name}]", "pin = ", f'"{pin}"')
    for name, password in weak["phones"].items():
        text = replaced_after(text, f"\n{name} = ", "password = ", f'"{password}" }}')
    site.path.write_text(text)
    found = [finding for finding in lint(load(site.path)) if "password" in finding.key or "pin" in finding.key]
    assert [finding.key for finding in found] == [
        *(f"agents.{name}.pin" for name in weak["agents"]),
        *(f"phones.{name}.password" for name in ("101", "102", "103")),
    ]
    assert all(finding.severity is WARNING for finding in found)


def replaced_after(text: str, anchor: str, key: str, value: str) -> str:
    start = text.index(key, text.index(anchor)) + len(key)
    return text[:start] + value + text[text.index("\n", start) :]


def test_one_password_for_two_phones_is_found(loaded: Loaded) -> None:
    site = loaded()
    password = site.site.phones["101"].password.get_secret_value()
    other = site.site.phones["102"].password.get_secret_value()
    site.path.write_text(site.path.read_text().replace(other, password))
    assert [finding.key for finding in lint(load(site.path)) if "twice" in finding.sentence] == ["phones.102.password"]


def test_a_file_that_others_can_read_is_found(loaded: Loaded) -> None:
    site = loaded()
    site.path.chmod(0o644)
    assert ["others can read it (mode 0644)" in finding.sentence for finding in lint(site)] == [True]


def test_a_recorded_name_of_an_agent_is_no_finding(loaded: Loaded) -> None:
    texts = 'text = "Anna"\ntexts = { es = "Ana", de = "Anna" }'
    assert lint(loaded(("[prompts.closed]", f"[prompts.agent-7001]\n{texts}\n[prompts.closed]"))) == []


def test_a_menu_loop_with_a_way_out_is_no_finding(loaded: Loaded) -> None:
    assert lint(loaded(('9 = "menu:main"', '9 = "menu:languages"'))) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "there is no recording"), (b"MP3", "is no WAV file"), (b"RIFF\0\0\0\0WAVE", "has no sound in it")],
)
def test_a_recording_that_can_not_be_played_is_found(
    loaded: Loaded, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "hello.wav").write_bytes(content)
    site = loaded(("[speech] ", '[prompts.hello]\nfile = "hello.wav"\n[speech] '))
    assert [one.severity for one in lint(site) if one.key == "prompts.hello.file" and sentence in one.sentence] == [
        Severity.ERROR
    ]


def test_a_class_of_music_that_is_not_there_is_found(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "music" / "jazz").mkdir(parents=True)
    (tmp_path / "music" / "jazz" / "one.wav").write_bytes(b"")
    changes = (
        ('name = "Sales"', 'name = "Sales"\nmusic = "jazz"'),
        ('name = "Support"', 'name = "Support"\nmusic = "jaz"'),
    )
    without = [one.key for one in lint(loaded(*changes)) if "class of music" in one.sentence]
    given = [
        one
        for one in lint(loaded(*changes, ("[asterisk]", '[asterisk]\nmusic = "music"')))
        if "class of music" in one.sentence
    ]
    assert without == ["queues.sales.music", "queues.support.music"]
    assert [(one.key, one.remedy) for one in given] == [("queues.support.music", "did you mean `jazz`?")]


def test_a_speech_program_that_is_not_there_is_said_once(loaded: Loaded) -> None:
    site = loaded(
        ("[speech] ", "# "),
        ("command = ", "# "),
        ("[company]", '[speech]\ncommand = ["no-such-program", "{file}"]\n[company]'),
    )
    (found,) = [one for one in lint(site) if "no-such-program" in one.sentence]
    assert found.severity is ERROR, "`reload` would be refused"
    assert f"{len(unspoken(site))} prompts must be spoken" in found.sentence
    with wave.open(str(site.directory / "spoken.wav"), "wb") as spoken:
        spoken.setparams((1, 2, 8_000, 0, "NONE", ""))
        spoken.writeframes(b"\x00\x10" * 800)
    assert not make_sounds(site, lambda _: ["cp", str(site.directory / "spoken.wav")]).errors
    (found,) = [one for one in lint(site) if "no-such-program" in one.sentence]
    assert found.severity is WARNING, "all is said already"


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("123456", "is digits in a row"),
        ("121212", "has no more than two different digits"),
        ("937001", "has the agent's id 7001 in it"),
    ],
)
def test_a_pin_that_is_tried_first_is_told_with_the_reason(loaded: Loaded, pin: str, why: str) -> None:
    site = loaded()
    weak = site.site.agents["7001"].model_copy(update={"pin": SecretStr(pin)})
    there = replace(site, site=site.site.model_copy(update={"agents": {"7001": weak}}))
    said = [one.sentence for one in lint_people.weak_secrets(there) if one.path[-1] == "pin"]
    assert said == [f"{why}: such PINs are tried first"]
