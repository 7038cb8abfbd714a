"""The site file: as text, as tables with odd values, and the places in it. What a good one is planned, checked and rendered."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

from callhandler.asterisk.ami_text import decode
from callhandler.asterisk.pbx.quoting import Unwritable
from callhandler.asterisk.pbx.render import render
from callhandler.errors import SiteError
from callhandler.site.lint import lint
from callhandler.site.loading import load
from callhandler.site.plan import plan
from callhandler.site.positions import KeyPath, positions, written
from callhandler.site.shape import is_secret
from tests.fuzz.engine import Target
from tests.fuzz.running import file, folder

SECRET = "S3cr3t-S3cr3t"


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
    path = file("callhandler.toml", data)
    try:
        loaded = load(path)
    except SiteError as error:
        _told(str(error), [(one.line, one.sentence, one.remedy) for one in getattr(error, "findings", ())], data)
        return
    plan(loaded.site)
    _told("\n".join(map(str, lint(loaded))), [(one.line, one.sentence, one.remedy) for one in lint(loaded)], data)
    with suppress(Unwritable):
        files = render(loaded, folder(), (22, 10, 1), [])
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


_TOML = (
    b"\n", b" = ", b"[", b"]", b"[[", b"]]", b"{ ", b" }", b'"', b"'", b'"""', b"'''", b"#", b"\\", b"a.b", b"'a.b'", b'"a\\u0041"', b"\\n",
    b", ", b"[1, 2]", b"{a = 1, b.c = 2}", b"1979-05-27T07:32:00Z", b"0x1f", b"+inf", b"true", b"\xef\xbb\xbf", b"[queues.sales]\n",
    b"[[queues.sales.steps]]\n", b'wants = "sales"\n', b"for = 20\n", b"\r\n", b'""', b"=", b".", b"\t",
)  # fmt: skip

TARGETS = (
    Target("places", "each key of any text tomllib reads has a line of that text", places, _TOML, cost=4),
    Target("site", "a site that can be planned, checked and rendered (or Unwritable), or SiteError: each mistake one line, in the file, "
           "without a secret", site, _TOML, cost=100),
    Target("tables", "as site, from a good file with values exchanged, doubled and left out", tables, cost=60),
)  # fmt: skip
