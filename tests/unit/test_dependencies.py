"""Every dependency is pinned to one version with its hashes, and stands in the bill of materials."""

import json
import re
import subprocess
import sys
import tomllib

import pytest

from tools.sbom import ROOT, Pinned, pinned, sbom

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(kind: str) -> list[Pinned]:
    return pinned((ROOT / "requirements" / f"{kind}.txt").read_text())


def plain(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0].lower()


def test_all_that_is_asked_for_is_locked() -> None:
    run, dev = ({one.name for one in locked(kind)} for kind in ("run", "dev"))
    assert {plain(one) for one in PROJECT["project"]["dependencies"]} <= run
    assert {plain(one) for one in PROJECT["build-system"]["requires"]} <= run, "the build fetches nothing unpinned"
    assert {plain(one) for one in PROJECT["dependency-groups"]["dev"]} <= dev
    assert set(locked("run")) <= set(locked("dev")), "tests run with what users run"


def test_what_is_installed_is_checked_by_hash() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "$(INSTALL)" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)


@pytest.mark.parametrize(
    "line",
    [
        "a>=1",
        "a==1",
        "a==1 --hash=md5:00",
        "a @ https://h/a.whl",
        "-e .",
        "--extra-index-url https://h",
        "a==1 --hash=sha256:ab",
    ],
)
def test_a_line_that_is_not_pinned_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not pinned"):
        pinned(f"# a lock file\n{line}\n")


def test_the_bill_of_materials_names_each_package_once_with_its_hashes() -> None:
    bill = sbom(locked("run"), locked("dev"), "1.2.3")
    components = bill["components"]
    assert isinstance(components, list)
    assert {one["bom-ref"] for one in components} == {one.purl for one in locked("dev")}
    assert len(components) == len({one["bom-ref"] for one in components})
    required = {one["name"] for one in components if one["scope"] == "required"}
    assert required == {one.name for one in locked("run")}
    assert all(re.fullmatch(r"[0-9a-f]{64}", each["content"]) for one in components for each in one["hashes"])
    assert bill == sbom(locked("run"), locked("dev"), "1.2.3"), "the same lock files, the same bill"


def test_make_sbom_prints_it() -> None:
    done = subprocess.run([sys.executable, "tools/sbom.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["bomFormat"] == "CycloneDX"


def test_a_daemon_whose_prompts_are_made_does_without_numpy() -> None:
    code = "import sys, callhandler.daemon, callhandler.supervise; print({'numpy', 'soxr'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
