"""What people write into files: the site file as text and as tables, places in it, skill expressions, the lookup's CSV; and what other
programs print for `doctor`.
"""

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from random import Random

from callhandler.asterisk.ami_text import decode
from callhandler.asterisk.pbx.quoting import Unwritable
from callhandler.asterisk.pbx.render import render
from callhandler.core import skills
from callhandler.core.events import FACTS
from callhandler.core.plain_facts import fact_from_plain, fact_to_plain
from callhandler.core.skills import SkillSyntaxError
from callhandler.doctor import console_text, operator_files
from callhandler.errors import SiteError
from callhandler.lookup import CsvLookup
from callhandler.scripts.house import Customer
from callhandler.site.lint import lint
from callhandler.site.loading import load
from callhandler.site.plan import plan
from callhandler.site.positions import KeyPath, positions, written
from callhandler.site.shape import is_secret
from callhandler.store.encoding import Row, encode
from callhandler.store.encoding import decode as decode_row
from tests.fuzz.engine import Target
from tests.fuzz.running import at_end

SECRET = "S3cr3t-S3cr3t"
_LEVELS = ({}, {"a": 1, "billing": 3}, {"billing": 10, "spanish": 2, "italian": 1}, {"x_1": 5, "b": 9, "a": 10})


@cache
def _folder() -> Path:
    """Return a folder in memory for files that only exist to be read."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="callhandler-fuzz-", dir=memory if memory.is_dir() else None))
    at_end(partial(shutil.rmtree, folder))
    at_end(_folder.cache_clear)
    return folder


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def skill(data: bytes) -> None:
    """An expression means what Python's own `and`, `or` and comparisons would make of it, prints as short as can be, and reads back."""
    text = decode(data)
    try:
        wanted = skills.parse.__wrapped__(text)
    except SkillSyntaxError as error:
        assert 0 <= error.position <= len(text)
        assert error.problem
        return
    assert skills.parse.__wrapped__(wanted.text) == wanted
    meaning = re.sub(r"\b(?!and\b|or\b)([a-z_][a-z0-9_]*)( (?:[<>]=?|[!=]=) [0-9]+)?", r"have('\1', '\2')", wanted.text)
    for levels in _LEVELS:

        def have(name: str, compared: str, levels: Mapping[str, int] = levels) -> bool:
            return name in levels and bool(eval(f"{levels[name]}{compared or '>= 1'}"))

        assert wanted.matches(levels) == (not meaning or eval(meaning, {"have": have}))
    assert skills.both(wanted, wanted) == wanted
    assert skills.both(wanted, skills.ANYONE) == wanted


def places(data: bytes) -> None:
    """Every key of a TOML text that can be read has a line of its own text."""
    text = decode(data).replace("\r\n", "\n")
    try:
        read = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    found = positions(text)
    lines = text.count("\n") + 1
    assert all(1 <= line <= lines for line in found.values())
    for path in _paths(read, ()):
        assert path in found, (path, found)
        assert len(written(path).splitlines()) == 1


def _paths(value: object, path: KeyPath) -> Iterator[KeyPath]:
    yield path
    inner: object = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        yield from _paths(one, (*path, key))


def site(data: bytes) -> None:
    """A site file is a site, which can be planned, looked at and rendered, or its mistakes, each with a line, and no secret in them."""
    path = _file("callhandler.toml", data)
    try:
        loaded = load(path)
    except SiteError as error:
        _told(str(error), [(one.line, one.sentence, one.remedy) for one in getattr(error, "findings", ())], data)
        return
    plan(loaded.site)
    _told("\n".join(map(str, lint(loaded))), [(one.line, one.sentence, one.remedy) for one in lint(loaded)], data)
    with suppress(Unwritable):
        files = render(loaded, _folder(), (22, 10, 1), [])
        assert all("\0" not in text for text in files.values())


def _told(text: str, findings: list[tuple[int, str, str]], data: bytes) -> None:
    assert SECRET not in text or not _only_secret(data), text
    lines = data.count(b"\n") + 1
    for line, sentence, remedy in findings:
        assert 1 <= line <= lines
        assert sentence.isprintable(), sentence
        assert remedy.isprintable(), remedy
        assert sentence
        assert remedy


def _only_secret(data: bytes) -> bool:
    """Tell whether the secret stands as a whole value where secrets belong, and nowhere else."""
    try:
        read = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    holders = [path for path in _paths(read, ()) if SECRET in str(path)]
    values = [path for path, value in _leaves(read, ()) if isinstance(value, str) and SECRET in value]
    comments = any(SECRET.encode() in line.partition(b"#")[2] for line in data.splitlines())
    return not holders and not comments and all(is_secret(path) for path in values)


def _leaves(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, (*path, index))
    else:
        yield path, value


_ODD = (
    '""', '"x"', "0", "-1", "1", "99999999999", "1.5", "nan", "inf", "true", "[]", "{}", "[1, [2]]", '{ a = { b = 1 } }', "2030-12-24",
    "2030-12-24T12:00:00Z", "07:32:00", '"queue:sales"', '"menu:main"', '"agent:7001"', '"phone:101"', '"say:hello"', '"message:sales"',
    '"outside:+12125550100"', '"operator"', '"hangup"', '"extension"', '"directory"', '"billing >= 3 and (x or y)"', '"09:00-17:00"',
    '"24:00-00:00"',
    '"Europe/Berlin"', '"../../etc"',
    '"/"', '"US-CA"', '"DE"', f'"{SECRET}"', '"\\u0000"', '"\\r\\n[general]"', '"${SHELL(x)}"',
    '"; comment"', '["{file}"]', '["192.0.2.0/24"]', '"::1"', f'"{"x" * 2_000}"', '"\\u2028"', '"+4930123456"', '"*60"', "0.001", "86400",
)  # fmt: skip
_KEY = re.compile(r"^([ \t{,]*)([A-Za-z0-9_-]+)( *= *)([^\n,}]+)", re.MULTILINE)


def tables(data: bytes) -> None:
    """As `site`, with whole values of a good file exchanged, doubled or left out: every input is TOML, and most get far."""
    rng = Random(data)
    text = _GOOD
    for _ in range(1 + rng.randrange(4)):
        found = rng.choice(list(_KEY.finditer(text)))
        lines = text.splitlines(keepends=True)
        match rng.randrange(5):
            case 0 | 1 | 2:
                text = text[: found.start(4)] + rng.choice(_ODD) + text[found.end(4) :]
            case 3:
                del lines[rng.randrange(len(lines))]
                text = "".join(lines)
            case _:
                lines.insert(rng.randrange(len(lines)), rng.choice(lines))
                text = "".join(lines)
    site(text.encode())


def _good() -> str:
    lines = (Path(__file__).parent / "corpus" / "site.txt").read_text(encoding="ascii").splitlines()
    return next(line for line in lines if not line.startswith("#")).encode().decode("unicode_escape")


_GOOD = _good()


def lookup(data: bytes) -> None:
    """A list of customers is customers by their numbers, or a ValueError with a sentence."""
    path = _file("customers.csv", data)
    try:
        customers = CsvLookup(path, "DE")._load()
    except ValueError as error:
        assert str(error)
        return
    for number, customer in customers.items():
        assert isinstance(number, str)
        assert isinstance(customer, Customer)
        assert all(
            text is None or 0 < len(text) <= 80
            for text in (customer.name, customer.tier, customer.agent, customer.language)
        )


def fact(data: bytes) -> None:
    """A row of the journal is a fact that is written down the same again, or none; JSON from a daemon is a fact or a ValueError."""
    kind = _KINDS[(data[0] if data else 0) % len(_KINDS)]
    text = decode(data[1:])
    read = decode_row(Row(1, 1_795_286_814_500, kind, 1, "pbx1", "c", None, "7001", "sales", "x", text))
    if read is not None:
        again = encode(read, "pbx1")
        assert again.kind == kind
        assert (
            again.version == 0 or decode_row(again) == read
        )  # 0: a number too great for any row, which says what it was
    with suppress(ValueError, RecursionError):
        plain = json.loads(text)
        read = fact_from_plain({"kind": kind, "at": 1.5, **plain} if isinstance(plain, dict) else plain)
        assert repr(fact_from_plain(json.loads(json.dumps(fact_to_plain(read))))) == repr(read)


_KINDS = tuple(sorted(FACTS))


def console(data: bytes) -> None:
    """What Asterisk's console prints is values or nothing."""
    text = decode(data)
    version = console_text.version(text)
    assert version is None or version.split() == [version]
    numbers = console_text.numbers(text)
    assert numbers is None or all(number >= 0 for number in numbers)
    for parse in (
        console_text.uptime,
        console_text.modules,
        console_text.fields,
        console_text.contacts,
        console_text.music,
    ):
        parse(text)
    console_text.classes(text)


def operator_conf(data: bytes) -> None:
    """An operator's configuration is sections with options, or nothing."""
    for section, option, value in operator_files.parse(decode(data).splitlines()):
        assert section
        assert value == value.strip()
        assert option == option.lower()


_TOML = (
    b"\n", b" = ", b"[", b"]", b"[[", b"]]", b"{ ", b" }", b'"', b"'", b'"""', b"'''", b"#", b"\\", b"a.b", b"'a.b'", b'"a\\u0041"', b"\\n",
    b", ", b"[1, 2]", b"{a = 1, b.c = 2}", b"1979-05-27T07:32:00Z", b"0x1f", b"+inf", b"true", b"\xef\xbb\xbf", b"[queues.sales]\n",
    b"[[queues.sales.steps]]\n", b'wants = "sales"\n', b"for = 20\n", b"\r\n", b'""', b"=", b".", b"\t",
)  # fmt: skip
_SKILLS = (
    b" and ", b" or ", b"(", b")", b" >= ", b" < ", b" != ", b" == ", b" = ", b"1", b"10", b"11", b"billing", b"spanish", b"a", b"x_1",
    b"not ", b"A",
    b"((((", b"))))", b"and", b"or",
)  # fmt: skip
_CSV = (
    b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"number", b"name", b"+49301234567", b"0301234568", b"gold", b"7001", b";", b"\t",
    b"\xef\xbb\xbf",
    b"number,name,tier,agent,language\n", b"x" * 200,
)  # fmt: skip
_JSON = (
    b"{", b"}", b"[", b"]", b'"', b":", b",", b"null", b"true", b"1", b"-1.5", b"1e400", b"NaN", b'"\\ud800"', b'"\\u0000"', b"[[[[",
    *(f'"{name}":'.encode() for kind in FACTS.values() for name in sorted(kind.__dataclass_fields__)[:6]), b'"answered"', b'"7001"',
)  # fmt: skip
_PRINTED = (
    b"Asterisk 22.10.1\n", b"  Running  ", b"res_x.so ", b"  Contact:  ", b"101/sip:x@y ", b"Class: ", b"\tDirectory: /x\n",
    b"System uptime: 7\n",
    b"No objects found", b"No such command", b": ", b"<none>", b"99999999999999999999999.1", b"[general]\n", b"#include x\n",
    b"secret = x\n",
    b"deny = 0.0.0.0/0\n", b"[a](!)\n", b"[b](a)\n", b";--", b"--;", b"\\;", b"=>", b"+=", b"[", b"]",
)  # fmt: skip

TARGETS = (
    Target("skill", "an expression that means what Python makes of it, prints and reads back the same, or SkillSyntaxError with its place",
           skill, _SKILLS),
    Target("places", "each key of any text tomllib reads has a line of that text", places, _TOML, cost=4),
    Target("site", "a site that can be planned, checked and rendered (or Unwritable), or SiteError: each mistake one line, in the file, "
           "without a secret", site, _TOML, cost=100),
    Target("tables", "as site, from a good file with values exchanged, doubled and left out", tables, cost=60),
    Target("lookup", "customers by number, or ValueError", lookup, _CSV),
    Target("fact", "a row is a fact that is written the same again, or none; JSON is a fact or ValueError", fact, _JSON, cost=2),
    Target("console", "values or nothing", console, _PRINTED),
    Target("operator_conf", "sections and options or nothing", operator_conf, _PRINTED),
)  # fmt: skip
