"""What people and programs write: skill expressions, the lookup's CSV, rows of the journal, and what `doctor` reads of Asterisk."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from callhandler.asterisk import lacking
from callhandler.asterisk.ami_text import decode
from callhandler.core import skills
from callhandler.core.events import FACTS
from callhandler.core.plain_facts import fact_from_plain, fact_to_plain
from callhandler.core.skills import SkillSyntaxError
from callhandler.doctor import console_text, operator_files
from callhandler.lookup import CsvLookup
from callhandler.scripts.house import Customer
from callhandler.store.encoding import Row, encode
from callhandler.store.encoding import decode as decode_row
from tests.fuzz.engine import Target
from tests.fuzz.running import file

_LEVELS = ({}, {"a": 1, "billing": 3}, {"billing": 10, "spanish": 2, "italian": 1}, {"x_1": 5, "b": 9, "a": 10})


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


def lookup(data: bytes) -> None:
    """A list of customers is customers by their numbers, or a ValueError with a sentence."""
    path = file("customers.csv", data + b"x" * 140_000 if data.endswith(b'"x') else data)  # more than a field may hold
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
        whole = again.version > 0  # 0: a number too great for any row, which says what it was
        assert not whole or decode_row(again) == replace(read, at=again.at / 1000)
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
    numbers = lacking.numbers(text)
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
    Target("lookup", "customers by number, or ValueError", lookup, _CSV),
    Target("fact", "a row is a fact that is written the same again, or none; JSON is a fact or ValueError", fact, _JSON, cost=2),
    Target("console", "values or nothing", console, _PRINTED),
    Target("operator_conf", "sections and options or nothing", operator_conf, _PRINTED),
)  # fmt: skip
