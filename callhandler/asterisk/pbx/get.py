"""Finds an Asterisk to run, or gets one: the site's own choice, else the system's, else one unpacked privately without root.

Also the programs that tests and the demo need. `python -m callhandler.asterisk.pbx.get asterisk|lab` fetches ahead of time.
CALLHANDLER_ASTERISK=16 in the environment takes Debian 11's instead, privately unpacked too: for trying things on it.
It doesn't know how Asterisk is configured or started.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from callhandler.asterisk import lacking
from callhandler.asterisk.lacking import OLDEST
from callhandler.asterisk.pbx.apt import AptError
from callhandler.asterisk.pbx.modules import LISTED, missing
from callhandler.asterisk.pbx.sources import DEBIAN_WITH_ASTERISK_16
from callhandler.asterisk.pbx.telling import RichTeller, Teller
from callhandler.asterisk.pbx.unpack import Root, cache_directory, ensure_root
from callhandler.errors import CallhandlerError

_OLDEST_FETCHED = 18
"""Nothing older is fetched unasked, though a machine's own release may have it."""
RUNTIME = (
    "asterisk",
    "asterisk-modules",
    "asterisk-config",
    "asterisk-core-sounds-en-wav",
    "asterisk-moh-opsound-wav",
    "espeak-ng",
    "openssl",
)
OLDER = RUNTIME[:5]
"""What is fetched of Debian 11: Asterisk. To speak, there are newer ones."""
LAB = ("sip-tester", "baresip-core", "mosquitto", "tcpdump")
LAB_PROGRAMS = ("sipp", "baresip", "mosquitto", "tcpdump")
_RUNTIME_ROOT, _OLDER_ROOT, _LAB_ROOT = "asterisk", "asterisk-16", "lab"
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/usr/local/bin")


@dataclass(frozen=True, slots=True)
class AsteriskProgram:
    """An Asterisk that can be started. `argv` is how its command line begins.

    `sounds` maps a language code to the folder of Asterisk's own phrases; `music` is a folder of music, None where there is none.
    """

    argv: tuple[str, ...]
    version: tuple[int, ...]
    modules: Path
    data: Path
    sounds: dict[str, Path]
    music: Path | None

    @property
    def version_text(self) -> str:
        """The version as people write it."""
        return lacking.written(self.version)

    @property
    def lacks(self) -> list[str]:
        """What it lacks when it is run privately and what people get instead, a sentence each."""
        return self._lacks(LISTED)

    @property
    def lacks_beside(self) -> list[str]:
        """The same for an Asterisk that somebody else configures: which modules it loads isn't known, only which it has."""
        return self._lacks(None)

    def _lacks(self, loaded: frozenset[str] | None) -> list[str]:
        return [*lacking.of_version(self.version, loaded), *lacking.of_modules(missing(self.modules))]


@dataclass(frozen=True, slots=True)
class Lab:
    """The programs that tests and the demo need: SIPp, baresip, mosquitto, tcpdump."""

    root: Root | None

    def program(self, name: str) -> list[str]:
        """How to start a program: its argv's beginning. The system's own is preferred."""
        found = _system(name)
        argv = [found] if found else (self.root.program(name) if self.root else None)
        if argv is None:
            raise CallhandlerError(
                f"the program {name} isn't there; `python -m callhandler.asterisk.pbx.get lab` gets it"
            )
        return argv

    @property
    def baresip_modules(self) -> Path:
        """The folder that baresip's `module_path` names."""
        inside = Path("/") if _system("baresip") or self.root is None else self.root.path
        found = next(
            (path for path in (*inside.glob("usr/lib/*/baresip/modules"), *inside.glob("usr/lib/baresip/modules"))),
            None,
        )
        if found is None:
            raise CallhandlerError(
                "baresip's modules aren't there; `python -m callhandler.asterisk.pbx.get lab` gets them"
            )
        return found


def find_asterisk(setting: Path | None) -> AsteriskProgram | None:
    """The Asterisk that would be run, if it is here already and can be. Never downloads."""
    argv = [str(setting)] if setting is not None else find_program("asterisk")
    version = _version(argv) if argv else None
    if argv is None or version is None:
        return None
    try:
        return _described(tuple(argv), version, Path(argv[-1]).parents[2] if len(argv) > 1 else Path("/"))
    except CallhandlerError:
        return None


def ensure_asterisk(setting: Path | None, teller: Teller) -> AsteriskProgram:
    """An Asterisk that calls work on. Downloads one where there is none; raises CallhandlerError saying what to install."""
    if setting is not None:
        version = _version([str(setting)])
        if version is None:
            raise CallhandlerError(f"asterisk.program: {setting} is no Asterisk that can be started here")
        return _described((str(setting),), version, Path("/"))
    older = _older_wanted()
    own = None if older else _system("asterisk")
    if own and (version := _version([own])) and version[0] >= OLDEST:
        return _described((own,), version, Path("/"))
    try:
        root = (
            ensure_root(_OLDER_ROOT, OLDER, "asterisk", OLDEST, teller, DEBIAN_WITH_ASTERISK_16)
            if older
            else ensure_root(_RUNTIME_ROOT, RUNTIME, "asterisk", _OLDEST_FETCHED, teller)
        )
    except AptError as error:
        raise CallhandlerError(
            f"No Asterisk {OLDEST} or newer is here and none could be fetched ({error}). "
            "Install the package `asterisk`, or name the program in callhandler.toml under [asterisk] program."
        ) from error
    argv = root.program("asterisk")
    version = _version(argv) if argv else None
    if argv is None or version is None:
        raise CallhandlerError(f"The private Asterisk in {root.path} doesn't start; remove that folder and try again.")
    return _described(tuple(argv), version, root.path)


def ensure_lab(teller: Teller) -> Lab:
    """The programs for tests and the demo. Downloads what the system hasn't; raises CallhandlerError saying what to install."""
    if all(map(_system, LAB_PROGRAMS)):
        return Lab(None)
    try:
        return Lab(ensure_root(_LAB_ROOT, LAB, "sip-tester", 0, teller))
    except AptError as error:
        missing = ", ".join(name for name in LAB_PROGRAMS if not _system(name))
        raise CallhandlerError(
            f"{missing} could not be fetched ({error}). Install the packages {' '.join(LAB)}."
        ) from error


def find_program(name: str) -> list[str] | None:
    """A program such as `espeak-ng` as it can be started now, the system's or a private one; None when there is none. Never downloads."""
    older = _older_wanted()
    if (found := _system(name)) and not (older and name == "asterisk"):
        return [found]
    for folder in (*((_OLDER_ROOT,) if older else ()), _RUNTIME_ROOT, _LAB_ROOT):
        root = Root(cache_directory() / folder)
        if argv := root.program(name):
            data = root.find("usr/lib/*/espeak-ng-data") or root.find("usr/share/espeak-ng-data")
            return ["env", f"ESPEAK_DATA_PATH={data.parent}", *argv] if name == "espeak-ng" and data else argv
    return None


def _older_wanted() -> bool:
    """Whether Debian 11's Asterisk is asked for. Raises CallhandlerError for a version that can't be had so."""
    chosen = os.environ.get("CALLHANDLER_ASTERISK", "")
    if chosen not in {"", str(OLDEST)}:
        raise CallhandlerError(f"CALLHANDLER_ASTERISK={chosen}: only {OLDEST} can be had so")
    return chosen != ""


def _system(name: str) -> str | None:
    return shutil.which(name) or next(
        (path for folder in _SYSTEM_FOLDERS if (path := shutil.which(name, path=folder))), None
    )


def _version(argv: list[str]) -> tuple[int, ...] | None:
    try:
        text = subprocess.run([*argv, "-V"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return lacking.numbers(text.removeprefix("Asterisk ")) if text.startswith("Asterisk ") else None


def _described(argv: tuple[str, ...], version: tuple[int, ...], inside: Path) -> AsteriskProgram:
    modules = [
        *inside.glob("usr/lib*/*/asterisk/modules"),
        *inside.glob("usr/lib*/asterisk/modules"),
        *inside.glob("usr/local/lib*/asterisk/modules"),
    ]
    found = next((path for path in modules if (path / "chan_pjsip.so").exists()), None)
    if found is None:
        raise CallhandlerError(f"{argv[-1]} has no module chan_pjsip; install the package `asterisk-modules`")
    folders = [
        folder
        for name in ("usr/share/asterisk", "var/lib/asterisk", "usr/local/share/asterisk")
        if (folder := inside / name).is_dir()
    ]
    data = next(
        (folder for folder in folders if (folder / "documentation").is_dir()),
        folders[0] if folders else inside / "usr/share/asterisk",
    )
    sounds: dict[str, Path] = {}
    for folder in folders:
        for path in sorted((folder / "sounds").glob("*")):
            if re.fullmatch(r"[a-z]{2}(_[A-Z]{2}(_[mf]_\w+)?)?", path.name) and any(path.glob("digits/1.*")):
                sounds.setdefault(path.name[:2], path)
    music = next((folder / "moh" for folder in folders if any((folder / "moh").glob("*"))), None)
    return AsteriskProgram(argv, version, found, data, sounds, music)


def main(arguments: list[str]) -> int:
    """Fetch ahead of time: `asterisk`, `lab` (which includes Asterisk) or nothing else."""
    console = Console()
    if arguments not in (["asterisk"], ["lab"]):
        console.print("usage: python -m callhandler.asterisk.pbx.get asterisk|lab")
        return 2
    teller = RichTeller(console)
    try:
        program = ensure_asterisk(None, teller)
        console.print(f"Asterisk {program.version_text} for {platform.machine()}: {program.argv[-1]}", highlight=False)
        if arguments == ["lab"]:
            lab = ensure_lab(teller)
            for name in LAB_PROGRAMS:
                console.print(f"{name}: {lab.program(name)[-1]}", highlight=False)
    except CallhandlerError as error:
        Console(stderr=True).print(str(error), style="red", highlight=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
