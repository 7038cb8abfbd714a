"""The kinds of value a site file is made of, and what each looks like in words.

Knows nothing of tables or of the file. Every pattern has its meaning in MEANINGS, from which errors say what is right.
Patterns are Rust regular expressions (pydantic's), in which `$` is the end of the text and nothing else.
"""

import re
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    Strict,
    StringConstraints,
)
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema, FloatSchema

_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
ID_PATTERN = rf"^{_ID}$"
DIGITS_PATTERN = r"^[0-9]{1,15}$"
SKILL_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"
KEY_PATTERN = r"^[0-9*#]$"
DESTINATION_PATTERN = (
    rf"^(queue|menu|agent|phone|say|message|callback):{_ID}$|^outside:\+?[0-9]{{2,15}}$|"
    r"^(operator|directory|extension|hangup)$"
)
RANGE_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
LANGUAGE_PATTERN = r"^[a-z]{2,3}([_-][A-Za-z0-9]{1,8}){0,2}$"
LINE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
HOST_PATTERN = r"^[A-Za-z0-9:]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9:])?$"
NETWORK_PATTERN = r"^[A-Za-z0-9:]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9:])?(/[0-9]{1,3})?$"
NUMBER_PATTERN = r"^\+?[0-9]{2,15}$"
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_ADDRESS = rf'[^@,;<>" {_UNSEEN}]+@[^@,;<>" {_UNSEEN}]+'
_MAILBOX = rf'(("[^@<>"{_UNSEEN}]*" ?|[^@,;<>"{_UNSEEN}]*)<{_ADDRESS}>|{_ADDRESS})'
MAILBOX_PATTERN = rf"^{_MAILBOX}$"
MAILBOXES_PATTERN = rf"^{_MAILBOX}(, ?{_MAILBOX})*$"
PREFIX_PATTERN = r"^\+[0-9]{1,15}$"
CODE_PATTERN = r"^[*#0-9]{2,6}$"
PIN_PATTERN = r"^[0-9]+$"
COUNTRY_PATTERN = r"^[A-Z]{2}$"
CALENDAR_PATTERN = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
TOPIC_PATTERN = r"^[^+#\x00-\x1f\x7f]+$"
DATABASE_PATTERN = r"^[a-z0-9]+(\+[a-z0-9]+)?://[^\x00-\x1f\x7f]*$"

MEANINGS = {
    ID_PATTERN: "letters, digits, `-` and `_`, at most 32, beginning with a letter or digit",
    DIGITS_PATTERN: "1 to 15 digits",
    SKILL_PATTERN: "a word of small letters, digits and `_`, such as `english`",
    KEY_PATTERN: "one key of a telephone: 0 to 9, * or #",
    DESTINATION_PATTERN: (
        "queue:ID, menu:ID, agent:ID, phone:ID, say:PROMPT, message:QUEUE, callback:QUEUE, outside:NUMBER, operator, extension, "
        "directory or hangup, such as `queue:sales`"
    ),
    RANGE_PATTERN: "a time range such as `09:00-17:30`; `24:00` is the end of the day",
    LANGUAGE_PATTERN: "a language code such as `en` or `pt-br`",
    LINE_PATTERN: "text on one line, without control characters",
    HOST_PATTERN: "an IP address or a host name",
    NETWORK_PATTERN: "an IP address, a host name, or a network such as `192.0.2.0/24`",
    NUMBER_PATTERN: "2 to 15 digits, with a leading + if it is international",
    MAILBOX_PATTERN: "a mail address such as `calls@example.org`",
    MAILBOXES_PATTERN: "a mail address such as `office@example.org`, or several with commas between them",
    PREFIX_PATTERN: "the beginning of a number in international form, such as `+49900`",
    CODE_PATTERN: "a feature code of 2 to 6 keys (*, # and digits), such as `*60`",
    PIN_PATTERN: "digits only, as a telephone has no other keys",
    COUNTRY_PATTERN: "an ISO country code of two capital letters, such as `US`",
    CALENDAR_PATTERN: "a country or a state of it, such as `US`, `US-CA` or `DE-BE`",
    TOPIC_PATTERN: "an MQTT topic without + and #",
    DATABASE_PATTERN: "an SQLAlchemy URL such as `sqlite:///var/journal.db`",
}

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Digits = Annotated[str, StringConstraints(pattern=DIGITS_PATTERN)]
Skill = Annotated[str, StringConstraints(pattern=SKILL_PATTERN)]
Line = Annotated[str, StringConstraints(pattern=LINE_PATTERN)]
Host = Annotated[str, StringConstraints(pattern=HOST_PATTERN)]
Language = Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN)]
Number = Annotated[str, StringConstraints(pattern=NUMBER_PATTERN)]
Mailbox = Annotated[str, StringConstraints(pattern=MAILBOX_PATTERN)]
Mailboxes = Annotated[str, StringConstraints(pattern=MAILBOXES_PATTERN)]
Prefix = Annotated[str, StringConstraints(pattern=PREFIX_PATTERN)]
Country = Annotated[str, StringConstraints(pattern=COUNTRY_PATTERN)]
Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]
Whole = Annotated[int, Strict()]
Level = Annotated[int, Strict(), Field(ge=1, le=10)]


@dataclass(frozen=True, slots=True)
class Within:
    """The limits of a kind of number, where a field names none of its own.

    As plain constraints they would take the place of the field's own: of two limits of the same sort pydantic keeps the kind's.
    """

    ge: float
    le: float

    def __get_pydantic_core_schema__(self, source: type[float], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = cast("FloatSchema", handler(source))
        if "ge" not in schema and "gt" not in schema:
            schema["ge"] = self.ge
        schema.setdefault("le", self.le)
        return schema


Seconds = Annotated[float, Strict(), Within(ge=0, le=86_400)]
Port = Annotated[int, Strict(), Field(ge=1, le=65_535)]
Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
Destination = Annotated[str, StringConstraints(pattern=DESTINATION_PATTERN)]
"""`queue:ID`, `menu:ID`, `agent:ID`, `phone:ID`, `say:PROMPT`, `message:QUEUE`, `callback:QUEUE`, `outside:NUMBER`, `operator`,
`extension`, `directory` or `hangup`."""
TimeRange = Annotated[str, StringConstraints(pattern=RANGE_PATTERN)]


def _secret(pattern: str) -> AfterValidator:
    """Check a secret's text, which pydantic's own `pattern` can't, and never repeat it in an error."""
    compiled = re.compile(pattern)

    def check(secret: SecretStr) -> SecretStr:
        if compiled.fullmatch(secret.get_secret_value()) is None:
            raise PydanticCustomError("string_pattern_mismatch", "should match {pattern}", {"pattern": pattern})
        return secret

    return AfterValidator(check)


SecretLine = Annotated[SecretStr, _secret(LINE_PATTERN)]
SecretDigits = Annotated[SecretStr, _secret(PIN_PATTERN)]

SHORT, LONG = "a destination", "a table"
"""The tags under which pydantic reports the two ways to write what a key does."""
short_or_long = Discriminator(lambda value: SHORT if isinstance(value, str) else LONG)


class Table(BaseModel):
    """A table of the site file: unknown keys are refused, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=10_000, allow_inf_nan=False)
