"""The machine's own apt sources, read so that a private apt can use the same mirror: deb822 and one-line formats.

Pure: text in, `Source`s out, and the one question asked of them: which source should Asterisk come from? No address of a
mirror is known here, and nothing is run.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

WITHOUT_ASTERISK = frozenset({"bookworm", "trixie"})
"""Debian releases that have no package `asterisk` (it was taken out before their freeze), so that nobody downloads their lists."""
DEBIAN_WITH_ASTERISK = ("forky", "sid")
DEBIAN_WITH_ASTERISK_16 = "bullseye"
_DEBIAN_KEYRING = "debian-archive-keyring"
_OPTION = re.compile(r"([A-Za-z-]+)=(\S+)")


@dataclass(frozen=True, slots=True)
class Source:
    """One binary source: an address with its suites. `signed_by` is the keyring's path, or None for the machine's trusted ones."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str | None = None

    def line(self, suite: str) -> str:
        """The source of one suite, as apt's one-line format writes it."""
        option = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {option}{self.uri} {suite} {' '.join(self.components)}\n"


def parse_deb822(text: str) -> list[Source]:
    """The enabled `deb` sources of a `.sources` file (sources.list(5), "DEB822-STYLE FORMAT")."""
    found = []
    for stanza in re.split(r"\n[ \t]*\n", "\n".join(line for line in text.splitlines() if not line.startswith("#"))):
        fields = _fields(stanza)
        if fields.get("enabled", "yes").lower() in {"no", "false", "0"} or "deb" not in fields.get("types", "").split():
            continue
        keyring = fields.get("signed-by", "").strip()
        for uri in fields.get("uris", "").split():
            found.append(
                Source(
                    uri,
                    tuple(fields.get("suites", "").split()),
                    tuple(fields.get("components", "").split()),
                    # A key written out in the file itself is of no use to another source: only paths are taken.
                    keyring if keyring.startswith("/") and len(keyring.split()) == 1 else None,
                )
            )
    return found


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in stanza.splitlines():
        if line[:1] in {" ", "\t"}:
            fields[key] = f"{fields.get(key, '')}\n{line.strip()}"
        elif ":" in line:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
    return fields


def parse_one_line(text: str) -> list[Source]:
    """The `deb` lines of a `sources.list` (sources.list(5), "ONE-LINE-STYLE FORMAT")."""
    found = []
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        match = re.fullmatch(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)", line)
        if match is None:
            continue
        options = {name.lower(): value for name, value in _OPTION.findall(match[1] or "")}
        keyring = options.get("signed-by")
        found.append(
            Source(
                match[2], (match[3],), tuple(match[4].split()), keyring if keyring and keyring.startswith("/") else None
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Choice:
    """Where to look for Asterisk: a name for people and the `sources.list` to look in."""

    name: str
    sources_list: str


def choices(sources: Iterable[Source], codename: str, distribution: str, keyrings: Iterable[str]) -> list[Choice]:
    """Where a private apt should look for Asterisk, best first: the machine's own release, then Debian forky, then sid.

    `distribution` is os-release's ID, `keyrings` the paths of all keyrings on the machine.
    """
    own = [source for source in sources if source.components and any(_belongs(s, codename) for s in source.suites)]
    result = []
    if own and codename not in WITHOUT_ASTERISK:
        lines = "".join(source.line(suite) for source in own for suite in source.suites if _belongs(suite, codename))
        result.append(Choice(f"{distribution} {codename}", lines))
    mirror = next((source for source in own if codename in source.suites and "main" in source.components), None)
    if distribution == "debian" and mirror is not None:
        keyring = next((path for path in sorted(keyrings) if _DEBIAN_KEYRING in path), mirror.signed_by)
        newer = replace(mirror, components=("main",), signed_by=keyring)
        result += [Choice(f"debian {suite}", newer.line(suite)) for suite in DEBIAN_WITH_ASTERISK if suite != codename]
    return result


def choices_of_release(
    release: str, sources: Iterable[Source], codename: str, distribution: str, keyrings: Iterable[str]
) -> list[Choice]:
    """Where a private apt gets a Debian release other than the machine's own, with its security repairs; empty beside another system."""
    own = [s for s in sources if "main" in s.components and any(_belongs(suite, codename) for suite in s.suites)]
    if distribution != "debian" or not any(codename in source.suites for source in own):
        return []
    keyring = next((path for path in sorted(keyrings) if _DEBIAN_KEYRING in path), None)
    lines = [
        replace(source, components=("main",), signed_by=keyring or source.signed_by).line(
            release + suite[len(codename) :]
        )
        for source in own
        for suite in source.suites
        if suite in {codename, f"{codename}-security"}
    ]
    return [Choice(f"debian {release}", "".join(lines))]


def _belongs(suite: str, codename: str) -> bool:
    """Whether a suite is of a release: `jammy`, `jammy-updates`, `bookworm-security`, `bookworm/updates`."""
    return bool(codename) and re.split(r"[-/]", suite)[0] == codename
