"""What callhandler is made of, as a bill of materials (CycloneDX 1.6, JSON), from the lock files: `python tools/sbom.py > FILE`.

The same lock files make the same text, byte for byte. Packages that only tests and lint need have the scope `excluded`.
Asterisk and its libraries aren't in it: they are the distribution's, or listed in `packages.txt` of the private one's folder.
"""

import json
import re
import sys
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PINNED = re.compile(
    r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(?:;\s*([^\\]*?)\s*)?((?:\s+--hash=sha256:[0-9a-f]{64})+)"
)
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # for URLs (RFC 4122, appendix C)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A package at one version. `condition` is when it is installed, such as on one system only; empty: always."""

    name: str
    version: str
    condition: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', self.name).lower()}@{self.version}"


def pinned(text: str) -> list[Pinned]:
    """Return the packages of a lock file. Raises ValueError for a line that is not pinned to one version with its hashes."""
    joined = re.sub(r"\\\n\s*", " ", text)
    found = []
    for line in filter(None, (line.partition(" #")[0].strip() for line in joined.splitlines())):
        if line.startswith("#"):
            continue
        match = _PINNED.fullmatch(line)
        if match is None:
            raise ValueError(f"not pinned with hashes: {line[:80]}")
        name, version, condition, hashes = match.groups()
        found.append(Pinned(name, version, condition or "", tuple(re.findall(r"[0-9a-f]{64}", hashes))))
    return found


def sbom(run: list[Pinned], dev: list[Pinned], version: str) -> dict[str, object]:
    """Return the bill of materials: what runs, and what only tests and lint need."""
    own = f"pkg:generic/callhandler@{version}"
    needed = {one.purl for one in run}
    parts = {one.purl: _component(one, "required" if one.purl in needed else "excluded") for one in [*dev, *run]}
    components = [parts[purl] for purl in sorted(parts)]
    serial = uuid.uuid5(_NAMESPACE, json.dumps([own, components], sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": own, "name": "callhandler", "version": version, "purl": own,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": sorted(needed)}],
    }  # fmt: skip


def _component(one: Pinned, scope: str) -> dict[str, object]:
    component: dict[str, object] = {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "scope": scope,
        # One for each file that may be installed: a wheel for each system, and the source.
        "hashes": [{"alg": "SHA-256", "content": content} for content in one.hashes],
        "purl": one.purl,
    }
    if one.condition:
        component["properties"] = [{"name": "callhandler:installed-when", "value": one.condition}]
    return component


def main() -> None:
    """Print the bill of materials of this checkout."""
    run, dev = (pinned((ROOT / "requirements" / f"{kind}.txt").read_text(encoding="utf-8")) for kind in ("run", "dev"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    sys.stdout.write(json.dumps(sbom(run, dev, version), indent=2) + "\n")


if __name__ == "__main__":
    main()
