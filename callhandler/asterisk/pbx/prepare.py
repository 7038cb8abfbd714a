"""Puts a site's Asterisk configuration in place: for the private one, or beside it for an operator's own to include."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from callhandler.asterisk.pbx.get import AsteriskProgram
from callhandler.asterisk.pbx.music import MusicClass, classes, remove_others
from callhandler.asterisk.pbx.place import make, make_link, music_folder, point, write
from callhandler.asterisk.pbx.render import render, render_attach
from callhandler.asterisk.sounds import remove_unsaid
from callhandler.site.loading import LoadedSite


@dataclass(frozen=True, slots=True)
class Attached:
    """What `attach` wrote, what changed of it, and the commands with which an operator takes it up."""

    folder: Path
    changed: tuple[str, ...]
    commands: tuple[str, ...]


def prepare(loaded: LoadedSite, program: AsteriskProgram, *, starting: bool = False) -> list[str]:
    """Make the private Asterisk's folders and configuration; returns the files that changed. Raises CallhandlerError.

    `starting`: nobody hears anything yet, so music and prompts that the site has no more are removed.
    """
    folders = make(loaded.directory)
    sounds = folders["lib"] / "sounds"
    sounds.mkdir(exist_ok=True)
    for language, folder in program.sounds.items():
        point(sounds / language, folder)
    for name in ("documentation", "rest-api"):
        if (program.data / name).is_dir():
            point(folders["lib"] / name, program.data / name)
    music = _music(loaded, program.music)
    if starting:
        remove_others(music_folder(loaded.directory), music)
        remove_unsaid(loaded)
    return write(folders["etc"], render(loaded, program.modules, program.version, music))


def attach(loaded: LoadedSite, version: tuple[int, ...]) -> Attached:
    """Write the files that an Asterisk that runs already includes, into var/asterisk/attach/. Nothing of the operator's is touched.

    `version` is that Asterisk's; lacking.ANY_VERSION is right for any.
    """
    folder = loaded.directory / "var" / "asterisk" / "attach"
    own = loaded.site.asterisk.music
    make_link(loaded.directory)
    files = render_attach(loaded, version, _music(loaded, None) if own else [])
    changed = write(folder, files)
    commands = []
    for name in files:
        base = name.removeprefix("callhandler_").removesuffix(".conf")
        commands += [
            f"sudo install -o root -g asterisk -m 0640 {_shell(folder / name)} /etc/asterisk/",
            f"echo '#include {name}' | sudo tee -a /etc/asterisk/{_CUSTOM[base]}   # once; without FreePBX: {base}.conf",
        ]
    group, once = loaded.directory.group(), "sudo systemctl restart asterisk"
    if group != "root":  # a site of root's is for trying out, and no reason to give Asterisk that group
        once = f"sudo usermod -aG {shlex.quote(group)} asterisk && {once}"
    commands += [f"{once}   # once: it reads the spoken prompts", 'sudo asterisk -rx "core reload"   # later on']
    return Attached(folder, tuple(changed), tuple(commands))


_CUSTOM = {
    "manager": "manager_custom.conf",
    "extensions": "extensions_custom.conf",
    "musiconhold": "musiconhold_custom.conf",
}


def _music(loaded: LoadedSite, distribution: Path | None) -> list[MusicClass]:
    own = loaded.site.asterisk.music
    return classes(loaded.inside(own) if own else None, distribution, music_folder(loaded.directory))


def _shell(path: Path) -> str:
    return shlex.quote(str(path))
