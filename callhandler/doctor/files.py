"""Looks at files: the site's own, Asterisk's configuration as it lies there and as it would be rendered now, sounds and music."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from callhandler.asterisk.lacking import ANY_VERSION
from callhandler.asterisk.pbx.modules import present
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.render import render, render_attach
from callhandler.asterisk.sounds import sound_path
from callhandler.doctor.seen import FilesSeen, Mode, SoundsSeen
from callhandler.errors import CallhandlerError
from callhandler.site.loading import LoadedSite

PRIVATE = ("extensions.conf", "pjsip.conf", "manager.conf")
"""What decides about calls, and doesn't depend on the machine: what is compared with a fresh rendering."""
_PHRASES = ("one-moment-please", "digits/1")
"""Played by the dialplan and by the scripts; if these are there, so is the package they come in."""


def folder(loaded: LoadedSite, mode: Mode) -> Path:
    """Return where rendered configuration is put."""
    return layout(loaded.directory)["etc"] if mode is Mode.PRIVATE else loaded.directory / "var" / "asterisk" / "attach"


def mode_of(loaded: LoadedSite) -> Mode:
    """Tell whose Asterisk it is: the site's own once `up` has prepared one, unless only the other kind was rendered."""
    own = (folder(loaded, Mode.PRIVATE) / "asterisk.conf").exists()
    attached = folder(loaded, Mode.ATTACHED).exists()
    running = (layout(loaded.directory)["run"] / "asterisk.ctl").exists()
    return Mode.ATTACHED if attached and not (own and running) else Mode.PRIVATE


def fresh(loaded: LoadedSite, mode: Mode, version: tuple[int, ...] | None) -> dict[str, str]:
    """Return the configuration as the site file would be rendered for an Asterisk of this version; nothing when it can't be.

    Without a version AMI's part is left out, which depends on it.
    """
    try:
        if mode is Mode.PRIVATE:
            files = render(loaded, Path("/"), version or ANY_VERSION, [])
            files = {name: files[name] for name in PRIVATE}
        else:
            files = render_attach(loaded, version or ANY_VERSION, [])
    except CallhandlerError:
        return {}
    return {name: text for name, text in files.items() if version or "manager" not in name}


def look(loaded: LoadedSite, mode: Mode, version: tuple[int, ...] | None, modules: Path | None) -> FilesSeen:
    """Return modes, the configuration on disk beside the one that the site file means, and which modules lie in `modules`."""
    etc = folder(loaded, mode)
    wanted = fresh(loaded, mode, version)
    plain = fresh(loaded, mode, ANY_VERSION)
    there = dict(_texts(etc, plain))  # AMI's part, too, where it isn't known what it should be
    if mode is Mode.ATTACHED and version is not None:  # what is rendered for any version is right for this one, too
        wanted |= {name: text for name, text in there.items() if text == plain.get(name)}
    return FilesSeen(
        site_mode=_mode(loaded.path), etc_mode=_mode(etc), fresh=wanted, on_disk=there, modules=_present(modules)
    )


def _present(folder: Path | None) -> frozenset[str]:
    return frozenset() if folder is None else frozenset(name for names in present(folder).values() for name in names)


def sounds(loaded: LoadedSite, data: Path | None, music: Mapping[str, Path]) -> SoundsSeen:
    """Return which sounds are there. `data` is Asterisk's data directory, `music` its classes and their folders."""
    languages, spoken = loaded.site.company.languages, loaded.site.spoken()
    missing = [
        f"{prompt} ({language})"
        for prompt in spoken
        for language in languages
        if not all(_filled(sound_path(loaded.directory, prompt, language), ending) for ending in (".ulaw", ".alaw"))
    ]
    return SoundsSeen(
        folder=None if data is None else data / "sounds",
        phrases=None if data is None else {code: _has_phrases(data / "sounds" / code) for code in ("en", *languages)},
        prompts_missing=tuple(missing),
        prompts=len(spoken) * len(languages),
        music={name: _count(place) for name, place in music.items()},
    )


def _has_phrases(place: Path) -> bool:
    return all(any(place.glob(f"{phrase}.*")) for phrase in _PHRASES)


def _filled(sound: Path, ending: str) -> bool:
    file = sound.with_name(sound.name + ending)
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def _count(place: Path) -> int:
    try:
        return sum(1 for path in place.iterdir() if path.is_file())
    except FileNotFoundError:
        return 0
    except OSError:
        return -1


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return None


def _texts(place: Path, names: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        try:
            yield name, (place / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
