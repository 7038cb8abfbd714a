"""Where a private Asterisk's files are in a site's folder, and how they are put there. It knows nothing of what is in them."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from callhandler.asterisk.pbx.unpack import cache_directory

_FOLDERS = ("etc", "lib", "spool", "run", "log", "db")
_PLAIN = re.compile(r"[\w/.+@ -]+")
_LONGEST = 80
"""Bytes: Asterisk's control socket `run/asterisk.ctl` must have a path of at most 107 (unix(7))."""


def layout(directory: Path) -> dict[str, Path]:
    """The private Asterisk's folders, by the names of asterisk.conf.j2.

    Asterisk looks for some of its files with glob(3), braces included, and its control socket's path can't be long. A site
    whose path has letters that mean something there, or too many, is reached through a link in the cache.
    """
    base = directory / "var" / "asterisk"
    if needs_link(base):
        base = link_of(base)
    return {name: base / name for name in _FOLDERS}


def sounds_folder(directory: Path) -> Path:
    """The site's spoken prompts, by a path without letters that mean something to Playback(): through the link if need be."""
    folder = directory / "var" / "sounds"
    return folder if _PLAIN.fullmatch(str(folder)) else link_of(directory / "var" / "asterisk") / ".." / "sounds"


def messages_folder(directory: Path) -> Path:
    """Where callers' messages are kept, by a path that Record() can use: as with prompts."""
    return sounds_folder(directory).parent / "messages"


def music_folder(directory: Path) -> Path:
    """Where the site's own music is kept as Asterisk plays it, by a path that it can use: as with prompts."""
    return sounds_folder(directory).parent / "music"


def needs_link(base: Path) -> bool:
    """Whether Asterisk can't use a path as it is."""
    return _PLAIN.fullmatch(str(base)) is None or len(os.fsencode(base)) > _LONGEST


def link_of(base: Path) -> Path:
    """The link through which such a path is reached; always the same for the same path."""
    return cache_directory() / "sites" / hashlib.sha256(os.fsencode(base)).hexdigest()[:12]


def make(directory: Path) -> dict[str, Path]:
    """Make the folders of `layout`, for their owner only, and the link where one is needed."""
    make_link(directory)
    folders = layout(directory)
    for path in folders.values():
        path.mkdir(exist_ok=True, mode=0o700)
    (directory / "var" / "messages").mkdir(exist_ok=True, mode=0o750)
    return folders


def make_link(directory: Path) -> None:
    """Make the base of all folders, and the link where one is needed."""
    base = directory / "var" / "asterisk"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    if needs_link(base):
        link = link_of(base)
        link.parent.mkdir(parents=True, exist_ok=True)
        point(link, base)


def point(path: Path, target: Path) -> None:
    """Make `path` a link to `target`, whatever it pointed to before."""
    if path.is_symlink() and path.readlink() == target:
        return
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def write(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write files of mode 0600 into `folder`, each in one step; returns the names of those whose text changed."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    changed = []
    for name, text in files.items():
        path = folder / name
        data = text.encode()
        if path.is_file() and path.read_bytes() == data:
            continue
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(data)
        temporary.replace(path)
        changed.append(name)
    return changed
