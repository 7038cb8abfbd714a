"""Music to wait to, stored once in the phones' own codecs, so that Asterisk copies it to callers instead of computing it.

A site's own music is stored with the site, that of the distribution in the cache of all sites. It knows audio files and folders, not who
listens.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from callhandler.asterisk.pbx.unpack import cache_directory

_MADE = "cut to what is audible"
"""Part of the cached folder's name, so that what an older version made isn't taken for this."""
_PLAYED = frozenset({".wav", ".ulaw", ".alaw", ".gsm", ".sln", ".sln16", ".g722"})


@dataclass(frozen=True, slots=True)
class MusicClass:
    """A class of music by the name queues give it, and the folder it plays from."""

    name: str
    folder: Path


def classes(own: Path | None, distribution: Path | None, made: Path) -> list[MusicClass]:
    """The site's classes: the files in `own` (else the distribution's music) are `default`; each folder within is a class.

    What is made of `own` is put into folder `made`.
    """
    base, into = (distribution, cache_directory() / "music") if own is None else (own, made)
    if base is None or not base.is_dir():
        return []
    found = [MusicClass("default", prepared(base, into))]
    if own is not None:
        found += [
            MusicClass(path.name, prepared(path, into))
            for path in sorted(own.iterdir())
            if path.is_dir() and any(path.iterdir())
        ]
    return found


def remove_others(made: Path, kept: Iterable[MusicClass]) -> None:
    """Remove what was made in folder `made` for music that has changed since. Nobody may be listening to it."""
    names = {one.folder.name for one in kept}
    for path in made.iterdir() if made.is_dir() else ():
        if path.name not in names:
            shutil.rmtree(path, ignore_errors=True)


def prepared(folder: Path, made: Path) -> Path:
    """A folder in `made` with the music of `folder` as .ulaw and .alaw, made once; other files are linked as they are."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _PLAYED)
    state = "\n".join([_MADE, *(f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files)])
    target = made / hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix="music.", dir=target.parent))
    try:
        for path in files:
            coded = _coded(path)
            if coded is None:
                (temporary / path.name).symlink_to(path.absolute())
            else:
                (temporary / f"{path.stem}.ulaw").write_bytes(coded[0])
                (temporary / f"{path.stem}.alaw").write_bytes(coded[1])
        temporary.chmod(0o755)  # an Asterisk of somebody else's reads it, too
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was quicker, with the same result
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _coded(path: Path) -> tuple[bytes, bytes] | None:
    """A WAV's audible part as mu-law and A-law; None for what is no usable WAV, which is left to Asterisk."""
    if path.suffix.lower() != ".wav":
        return None
    # numpy: 6 MB that do nothing once the music is there.
    from callhandler.asterisk.audio import AudioError, alaw, audible, read_wav, ulaw  # noqa: PLC0415

    try:
        samples = audible(read_wav(path.read_bytes()))
    except AudioError:
        return None
    return ulaw(samples), alaw(samples)
