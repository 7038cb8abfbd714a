"""Loading: good sites load; every kind of mistake is told with its line and what would be right; garbage never breaks it."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callhandler.errors import SiteError
from callhandler.site.findings import SiteMistakes
from callhandler.site.loading import LoadedSite, load

Changed = Callable[..., Path]
SALES_STEPS = '{ wants = "sales >= 5", for = 20 },'

MISTAKES = [
    # what is written instead of what, the key that is told, what is wrong with it, what would be right
    (("wrap_up = 10", "wrapup = 10"), "queues.sales.wrapup", "no key known here", "did you mean `wrap_up`?"),
    (('operator = "queue:operator"', ""), "company.operator", "is missing", "add `operator = ...`"),
    (
        ('operator = "queue:operator"', 'operator = "operator"'),
        "company.operator",
        "doesn't say who",
        "`queue:operator`",
    ),
    (('"queue:support"', '"queue:suport"'), "menus.main.keys.2.to", "`suport` is not defined in queues", "`support`?"),
    (
        ('9 = "menu:main"', '9 = "menu:min"'),
        "menus.main.keys.9",
        "`min` is not defined in menus",
        "did you mean `main`?",
    ),
    (('9 = "menu:main"', '9 = "main"'), "menus.main.keys.9", "'main' is not allowed", "queue:ID, menu:ID"),
    (
        ('9 = "menu:main"', '9 = { too = "menu:main" }'),
        "menus.main.keys.9.too",
        "no key known here",
        "did you mean `to`?",
    ),
    (('9 = "menu:main"', "9 = 7"), "menus.main.keys.9", "is a whole number", "a table is wanted here"),
    (('9 = "menu:main"', 'A = "menu:main"'), "menus.main.keys.A", "'A' can't be a name here", "0 to 9, * or #"),
    (
        ('prompt = "main-menu"', 'prompt = "mainmenu"'),
        "menus.main.prompt",
        "not defined in prompts",
        "did you mean `main-menu`?",
    ),
    (('hours = "office"', 'hours = "offices"'), "numbers.5002.hours", "not defined in hours", "did you mean `office`?"),
    (('closed = "say:closed"', ""), "numbers.5002.closed", "is missing, but there are hours", "say:closed"),
    (
        ('language = "es"', 'language = "fr"'),
        "menus.languages.keys.2.language",
        "not defined in company.languages",
        "known here",
    ),
    (
        ('texts.es = "Un', 'texts.fr = "Un'),
        "prompts.please-wait.texts.fr",
        "not defined in company.languages",
        "known here",
    ),
    (
        ('enters = "menu:languages"', 'enters = "menu:languages"\ntrunks = ["pstm"]'),
        "numbers.5001.trunks[0]",
        "in trunks",
        "`pstn`?",
    ),
    (('phone = "102"', 'phone = "101"'), "agents.7002.phone", "own phone of agent 7001 too", "another one"),
    (('phone = "102"', 'phone = "109"'), "agents.7002.phone", "`109` is not defined in phones", "did you mean"),
    (('phone = "102"', "phone = 102"), "agents.7002.phone", "is a whole number", "text is wanted here, in quotes"),
    (
        ('phone = "102"', 'serves = [{ queue = "sale" }]'),
        "agents.7002.serves[0].queue",
        "not defined in queues",
        "`sales`?",
    ),
    (
        ('phone = "102"', 'serves = [{ queue = "sales" }, { queue = "sales" }]'),
        "agents.7002.serves[1].queue",
        "already",
        "keep",
    ),
    (
        ("wrap_up = 10", "wrap_up = 4000"),
        "queues.sales.wrap_up",
        "4000 is out of range",
        "at most 3600 is right, and at least 0",
    ),
    (("wrap_up = 10", "ring = 2"), "queues.sales.ring", "2 is out of range", "at least 3 is right, and at most 120"),
    (("wrap_up = 10", "max_wait = 86401"), "queues.sales.max_wait", "86401 is out of range", "at most 86400 is right"),
    (
        ('time_zone = "Europe/Berlin"', 'time_zone = "Berlin"'),
        "company.time_zone",
        "is no time zone",
        "`Europe/Berlin`",
    ),
    (("rtp_last = 31899", "rtp_last = 31100"), "asterisk.rtp_last", "not above rtp_first", "a range"),
    (("rtp_last = 31899", "rtp_last = 31899.5"), "asterisk.rtp_last", "is a number", "a whole number is wanted"),
    (
        ("[speech] ", "[callbacks]\nattempts = 2.5\n[speech] "),
        "callbacks.attempts",
        "is a number",
        "a whole number is wanted here",
    ),
    (
        ("[speech] ", "[callbacks]\nattempts = '2'\n[speech] "),
        "callbacks.attempts",
        "is text",
        "a whole number is wanted here, without quotes",
    ),
    (("rtp_last = 31899", "rtp_last = true"), "asterisk.rtp_last", "is true or false", "a whole number is wanted"),
    (
        ("rtp_last = 31899", "rtp_last = 99999"),
        "asterisk.rtp_last",
        "99999 is out of range",
        "at most 65535 is right, and at least 1",
    ),
    (("ami_port = 31001", "ami_port = 31000"), "asterisk.ami_port", "31000 is sip_port too", "a port of its own"),
    (("sip_port = 31000", "sip_port = 31200"), "asterisk.sip_port", "within the audio ports", "outside"),
    (('"Europe/Berlin"', '"Europe/Berln"'), "company.time_zone", "is no time zone", "did you mean `Europe/Berlin`?"),
    (('"Europe/Berlin"', '"../../etc/passwd"'), "company.time_zone", "is no time zone", "such as `Europe/Berlin`"),
    (('country = "US"', 'country = "XX"'), "company.country", "`XX` is no country", "`DE`"),
    (('holidays = "US"', 'holidays = "XX"'), "hours.office.holidays", "no holidays are known for `XX`", "`US`"),
    (('holidays = "US"', 'holidays = "DE-XX"'), "hours.office.holidays", "`DE` has no `XX`", "DE-BB"),
    (
        ('mon = ["09:00-17:00"]', 'mon = ["9-17"]'),
        "hours.office.weekly.mon[0]",
        "'9-17' is not allowed",
        "`09:00-17:30`",
    ),
    (
        ('mon = ["09:00-17:00"]', 'mon = ["17:00-09:00"]'),
        "hours.office.weekly.mon[0]",
        "ends before it begins",
        "as two",
    ),
    (
        ('mon = ["09:00-17:00"]', 'monday = ["09:00-17:00"]'),
        "hours.office.weekly.monday",
        "can't be a name",
        "did you mean `mon`?",
    ),
    ((SALES_STEPS, '{ wants = "sales >> 5", for = 20 },'), "queues.sales.steps[0].wants", "expected a level", "^"),
    ((SALES_STEPS, '{ wants = "sales" },'), "queues.sales.steps[0]", "has no `for`", "add `for = SECONDS`"),
    (
        ('wants = "", drop_call_wants', 'wants = "", for = 5, drop_call_wants'),
        "queues.sales.steps[2].for",
        "last step",
        "leave",
    ),
    (
        ('strategy = "best skill"', 'strategy = "best skil"'),
        "queues.support.strategy",
        "'best skil'",
        "did you mean `best skill`?",
    ),
    (("[speech] ", '[codes]\nlogin = "101"\n[speech] '), "codes.login", "`101` is phones.101 too", "of its own"),
    (("[speech] ", '[codes]\nlogin = "*61"\n[speech] '), "codes.logout", "`*61` is codes.login too", "of its own"),
    (("[numbers.5001]", "[numbers.7001]"), "numbers.7001", "`7001` is agents.7001 too", "of its own"),
    (("[numbers.5001]", '[numbers."+5000"]'), 'numbers."+5000"', "`5000` is numbers.5000 too", "of its own"),
    (('texts.es = "Bien', 'texts.en = "Bien'), "prompts.welcome.texts.en", "what `text` says already", "keep one"),
    (('texts.es = "Bien', 'file = "a.wav"\ntexts.es = "Bien'), "prompts.welcome.file", "beside a text", "keep either"),
    (("[prompts.closed]", "[prompts.empty]\n[prompts.closed]"), "prompts.empty", "neither a text nor a file", "add"),
    (('"-w", "{file}", ', ""), "speech.command", "no argument names the file", "{file}"),
    (
        ('name = "Anna Keller"', 'name = "Anna\\nKeller"'),
        "agents.7001.name",
        "'Anna\\nKeller' is not allowed",
        "on one line",
    ),
    (('name = "Anna Keller"', 'name = ""'), "agents.7001.name", "is too short", "at least 1 characters"),
    (
        ("english = 10,", "english = 11,"),
        "agents.7001.skills.english",
        "11 is out of range",
        "at most 10 is right",
    ),
    (("english = 10,", "English = 10,"), "agents.7001.skills.English", "can't be a name here", "small letters"),
    (('de = "german"', '"-x" = "german"'), "company.languages.-x", "can't be a name here", "`pt-br`"),
    (('host = "127.0.0.1"', 'host = "a b"'), "trunks.pstn.host", "'a b' is not allowed", "192.0.2.0/24"),
    (("[menus.main]", "[menu.main]"), "menu", "no key known here", "did you mean `menus`?"),
]


@pytest.mark.parametrize(("change", "key", "wrong", "right"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(
    changed: Changed, change: tuple[str, str], key: str, wrong: str, right: str
) -> None:
    path = changed(change)
    with pytest.raises(SiteMistakes) as refused:
        load(path)
    told = [finding for finding in refused.value.findings if finding.key == key]
    assert told, str(refused.value)
    assert any(wrong in finding.sentence for finding in told), told
    assert any(right in str(finding) for finding in told), told
    assert all(str(finding).startswith(f"{path}:{finding.line}: {key}: ") for finding in told)


def test_quotes_are_spoken_of_only_where_there_are_some(changed: Changed) -> None:
    with pytest.raises(SiteMistakes) as refused:
        load(changed(("[speech] ", "[callbacks]\nattempts = 2.5\n[speech] ")))
    assert "without quotes" not in str(refused.value)


def test_the_line_is_the_one_that_is_wrong(changed: Changed) -> None:
    path = changed(
        ('"queue:support"', '"queue:suport"'), ("english = 10,", "english = 11,"), ("wrap_up = 5", "wrapup = 5")
    )
    lines = path.read_text().splitlines()
    with pytest.raises(SiteMistakes) as refused:
        load(path)
    assert [lines[finding.line - 1].split("#")[0].strip() for finding in refused.value.findings] == [
        "skills = { english = 11, sales = 9, billing = 4 }",
        "wrapup = 5",
        '2 = { to = "queue:suport", reason = "support" }',
    ]


def test_all_mistakes_are_told_at_once_each_on_a_line(changed: Changed) -> None:
    together = [
        ('"queue:support"', '"queue:suport"'),
        ('operator = "queue:operator"', ""),
        ("rtp_last = 31899", "rtp_last = 31100"),
        ('pin = "', 'pin = "x'),
        ('hours = "office"', 'hours = "offices"'),
        ('mon = ["09:00-17:00"]', 'mon = ["9-17"]'),
        ('texts.es = "Bien', 'text.es = "Bien'),
        ('wants = "support"', 'wants = "support and"'),
    ]
    with pytest.raises(SiteMistakes) as refused:
        load(changed(*together[:6], together[7]))
    keys = {finding.key for finding in refused.value.findings}
    assert keys == {
        "company.operator",
        "agents.7001.pin",
        "queues.support.steps[1].wants",
        "menus.main.keys.2.to",
        "numbers.5002.hours",
        "hours.office.weekly.mon[0]",
        "asterisk.rtp_last",
    }
    assert str(refused.value).count("callhandler.toml:") == len(keys)


def test_an_entry_with_a_mistake_of_its_own_is_not_told_as_missing_elsewhere(changed: Changed) -> None:
    with pytest.raises(SiteMistakes) as refused:
        load(changed(('name = "Sales"', "name = 5")))
    assert [finding.key for finding in refused.value.findings] == ["queues.sales.name"]


@pytest.mark.parametrize(
    "change",
    [
        ('pin = "', 'pin = "hush'),
        ('password = "', 'password = "hush\\n'),
        ('ami_secret = "', 'ami_secret = "hush\\n'),
        ('pin = "', 'pin = ["hush", "'),
        ('101 = { name = "Front desk", password = ', "101 = ["),
    ],
)
def test_a_secret_is_never_repeated(changed: Changed, change: tuple[str, str]) -> None:
    path = changed(change)
    secrets = [line.split('"')[1] for line in path.read_text().splitlines() if line.startswith(("pin", "ami_secret"))]
    with pytest.raises(SiteError) as refused:
        load(path)
    assert not any(secret in str(refused.value) for secret in [*secrets, "hush"])


def test_a_good_site_knows_where_it_is(changed: Changed, tmp_path: Path) -> None:
    path = changed()
    by_file, by_directory = load(path), load(tmp_path)
    assert by_file.site == by_directory.site
    assert by_file.directory == tmp_path.resolve()
    assert len(by_file.digest) == 64
    assert by_file.inside(Path("var/x")) == tmp_path.resolve() / "var/x"
    assert by_file.inside(Path("/x")) == Path("/x")
    assert load(changed(("wrap_up = 10", "wrap_up = 11"))).digest != by_file.digest


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[company\nname = 1", ":1: the file: not valid TOML at column 9"),
        (b"a = 1\nb = \n", ":2: the file: not valid TOML"),
        (b"a = 1\na = 2\n", ":2: the file: not valid TOML"),
        (b'name = "a', "the file: not valid TOML at the end of the file: a quote is opened and not closed;"),
        (b'a = "b\nc = 1\n', ":1: the file: not valid TOML at column 7: a quote is opened and not closed;"),
        (b"a = 'b\nc = 1\n", "not valid TOML at the end of the file: a quote is opened and not closed;"),
        (b"a = 1\nname = '\xff'\n", ":2: the file: is not UTF-8 (byte 0xff)"),
        (b"a = '\x00'\n", ":1: the file: not valid TOML"),
        (b"a = " + b"[" * 9_000 + b"]" * 9_000, "the file: is nested too deep"),
        (b"a = " + b"[" * 100 + b"]" * 100, "a: is no key known here"),
        (b"a = " + b"9" * 9_000, "the file: not valid TOML"),
        (b"a." * 3_000 + b"a = 1", "a: is no key known here"),
        (b"x" * 10_000, "the file: not valid TOML"),
        (b"\x00" * 10_000, "the file: not valid TOML"),
        (b"", "company: is missing"),
        (b"company = 1\nqueues = []\nphones = 'x'\n", ":2: queues: is a list; a table is wanted here"),
        (b"[company]\nname = 'x'\n[[company.languages]]\n", ":3: company.languages: is a list"),
    ],
)
def test_what_is_no_site_file_is_refused_in_clear_words(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "callhandler.toml"
    path.write_bytes(content)
    with pytest.raises(SiteError) as refused:
        load(path)
    assert told in str(refused.value)
    assert len(str(refused.value)) < 5_000


def test_what_is_no_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "big").write_bytes(b"#" * 1_000_001)
    for path in (
        tmp_path / "nowhere",
        tmp_path / "fifo",
        tmp_path / "big",
        tmp_path,
        tmp_path / ("x" * 10_000),
        Path("\x00"),
    ):
        with pytest.raises(SiteError):
            load(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(changed: Changed) -> None:
    path = changed()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert isinstance(load(path), LoadedSite)


GOOD = (
    "[company]",
    "[asterisk]",
    "[queues.a]",
    "name = 'x'",
    "a = 1",
    "[[x]]",
    "'",
    '"',
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    "\x00",
    "é",
    "#",
    "\\",
)


@settings(max_examples=200)
@given(
    st.one_of(
        st.binary(max_size=400), st.lists(st.sampled_from(GOOD), max_size=40).map(lambda parts: "".join(parts).encode())
    )
)
def test_garbage_is_an_error_and_never_a_traceback(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "callhandler.toml"
        path.write_bytes(content)
        with pytest.raises(SiteError):
            load(path)


JSON = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-5, 70_000),
        st.sampled_from(["queue:a", "a", "", "x\ty", "09:00-12:00", "*60", "en"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["company", "queues", "a", "1", "steps", "keys", "name", "menus", "languages", "prompts", "texts"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "company",
                "asterisk",
                "queues",
                "menus",
                "agents",
                "phones",
                "numbers",
                "hours",
                "prompts",
                "trunks",
                "mqtt",
            ]
        ),
        JSON,
        max_size=6,
    )
)
def test_values_of_the_wrong_shape_are_an_error_and_never_a_traceback(content: dict[str, object]) -> None:
    def toml(value: object) -> str:
        match value:
            case dict():
                return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
            case list():
                return "[" + ", ".join(map(toml, value)) + "]"
            case bool():
                return str(value).lower()
            case str():
                return '"' + value.replace("\t", "\\t") + '"'
        return str(value)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "callhandler.toml"
        path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in content.items()))
        with pytest.raises(SiteError):
            load(path)
