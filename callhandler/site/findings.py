"""What is wrong with a site file, one finding each: where, what, and what would be right. Knows no rule of its own."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from callhandler.errors import SiteError
from callhandler.site.positions import KeyPath, Places, written


class Severity(StrEnum):
    """Whether `check` fails for a finding, and `reload` refuses the file, or it is only told."""

    ERROR = "error"
    WARNING = "warning"


class Problem(NamedTuple):
    """Something found at a key. `detail` is further lines, such as a caret under a place."""

    path: KeyPath
    sentence: str
    remedy: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and where it stands: `file:line: key: sentence; remedy`."""

    severity: Severity
    file: str
    line: int
    key: str
    sentence: str
    remedy: str
    detail: str = ""

    @property
    def place(self) -> str:
        """Return `file:line: key`."""
        return f"{self.file}:{self.line}: {self.key}"

    def __str__(self) -> str:
        """Return the finding on one line, and its detail indented below it."""
        detail = "".join(f"\n    {line}" for line in self.detail.splitlines())
        return f"{self.place}: {self.sentence}; {self.remedy}{detail}"


class SiteMistakes(SiteError):
    """The site file can't be used; `findings` are all its mistakes, in the order of the file."""

    def __init__(self, findings: list[Finding]) -> None:
        """Take every mistake found."""
        self.findings = tuple(sorted(findings, key=lambda finding: finding.line))
        super().__init__("\n".join(str(finding) for finding in self.findings))


def found(severity: Severity, problem: Problem, places: Places) -> Finding:
    """Return a problem with its place."""
    path, sentence, remedy, detail = problem
    return Finding(severity, places.file, places.line(path), written(path), sentence, remedy, detail)


def shown(value: object) -> str:
    """Return a value for a message: on one line, without control characters, and not too long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"
