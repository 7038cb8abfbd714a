"""What callers would not hear: recordings that are none, music that isn't there, a speech program that isn't installed. Part of lint.py."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from callhandler.site.findings import Problem
from callhandler.site.loading import LoadedSite
from callhandler.site.mistakes import did_you_mean

_MOST_BYTES = 100_000_000
DEFAULT = "default"
_FETCHED = "espeak-ng"
"""The one program that `up` brings along where it isn't there."""
_INSTALL = "install it, or name another one"


def recordings(loaded: LoadedSite) -> Iterator[Problem]:
    """Every recording is there, and is a WAV that can be read."""
    for name, prompt in loaded.site.prompts.items():
        if prompt.file is None:
            continue
        where = loaded.inside(prompt.file)
        wrong = _unreadable(where)
        if wrong is not None:
            yield Problem(("prompts", name, "file"), wrong, "put a WAV there, or give a `text`")


def _unreadable(where: Path) -> str | None:
    from callhandler.asterisk.audio import AudioError, read_wav  # noqa: PLC0415 - 100 ms that only recordings need

    if not where.is_file():
        return f"there is no recording {where}"
    try:
        with where.open("rb") as file:
            read_wav(file.read(_MOST_BYTES))
    except AudioError as error:
        return f"the recording {where} {error}"
    except OSError as error:
        return f"the recording {where} can't be read ({error.strerror})"
    return None


def music_folder(loaded: LoadedSite) -> Iterator[Problem]:
    """The folder of music is there."""
    music = loaded.site.asterisk.music
    if music is not None and not loaded.inside(music).is_dir():
        where = loaded.inside(music)
        yield Problem(("asterisk", "music"), f"there is no folder {where}", "make it, or leave the setting out")


def music(loaded: LoadedSite) -> Iterator[Problem]:
    """Queues name classes of music that there are: `default`, and each folder with something in it within asterisk.music."""
    own = loaded.site.asterisk.music
    base = None if own is None else loaded.inside(own)
    there = {DEFAULT}
    if base is not None and base.is_dir():
        there |= {path.name for path in base.iterdir() if path.is_dir() and any(path.iterdir())}
    for name, queue in loaded.site.queues.items():
        if queue.music not in there:
            sentence = f"there is no class of music `{queue.music}`: `{DEFAULT}` is played instead"
            yield Problem(("queues", name, "music"), sentence, did_you_mean(queue.music, there))


def speech_wanted(loaded: LoadedSite) -> Iterator[Problem]:
    """The speech program is there, when prompts are to be spoken: `reload` would fail. Said once, not for each prompt."""
    program = _lacking_program(loaded)
    if program is not None and (unspoken := _unspoken(loaded)):
        prompts = "1 prompt" if unspoken == 1 else f"{unspoken} prompts"
        yield Problem(("speech", "command"), f"there is no program `{program}`, and {prompts} must be spoken", _INSTALL)


def speech_kept(loaded: LoadedSite) -> Iterator[Problem]:
    """The speech program is there, though all that it has to say is said."""
    program = _lacking_program(loaded)
    if program is not None and not _unspoken(loaded):
        sentence = (
            f"there is no program `{program}`: what was spoken before is kept, a prompt that changes can't be spoken"
        )
        yield Problem(("speech", "command"), sentence, _INSTALL)


def _lacking_program(loaded: LoadedSite) -> str | None:
    from callhandler.asterisk.pbx.get import find_program  # noqa: PLC0415 - as above

    program = loaded.site.speech.command[0]
    there = program == _FETCHED or shutil.which(program) is not None or find_program(program) is not None
    return None if there else program


def _unspoken(loaded: LoadedSite) -> int:
    from callhandler.asterisk.sounds import unspoken  # noqa: PLC0415 - as above

    return len(unspoken(loaded))
