"""The site's prompts as files that Asterisk plays: `var/sounds/<language>/<prompt>.ulaw` and `.alaw`, made when they changed.

A text goes to the site's speech program, a recording is read as it is; both come out equally loud. Every prompt is there in
every language of the site: where a text isn't translated, it is the default language's. Blocks; takes seconds when all is new.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from callhandler.site.loading import LoadedSite
from callhandler.site.models import PromptTable

Programs = Callable[[str], list[str] | None]
"""How a program is started: its arguments up to its own name, or None when there is no such program."""

_VERSION = 1
"""Raised when the same text or recording would come out differently."""
_SPEECH_DEADLINE = 20.0
_MOST_BYTES = 100_000_000
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class SoundError:
    """A prompt that could not be made, in one sentence."""

    prompt: str
    language: str
    sentence: str

    def __str__(self) -> str:
        """Return `prompt welcome (en): ...`."""
        return f"prompt {self.prompt} ({self.language}): {self.sentence}"


@dataclass(frozen=True, slots=True)
class SoundsMade:
    """What was done: how many sounds were made, how many were still good, and what failed."""

    made: int
    kept: int
    errors: tuple[SoundError, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """Return what failed, one sentence for each cause: a speech program that isn't there fails all prompts alike."""
        failed: dict[str, list[SoundError]] = {}
        for error in self.errors:
            failed.setdefault(error.sentence, []).append(error)
        return tuple(
            str(one) if not more else f"prompt {one.prompt} ({one.language}) and {len(more)} more: {sentence}"
            for sentence, (one, *more) in failed.items()
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """One prompt in one language. `voice` is the language of the text, which may be the default one."""

    prompt: str
    language: str
    target: Path
    voice: str
    text: str | None
    recording: Path | None
    command: tuple[str, ...]


def installed(name: str) -> list[str] | None:
    """Return how a program found by PATH is started."""
    found = shutil.which(name)
    return [found] if found else None


@cache
def sound_path(directory: Path, prompt: str, language: str) -> Path:
    """Return a prompt's sound without its ending, as Asterisk wants it; `directory` is the site's."""
    return directory / "var" / "sounds" / language / prompt


def make_sounds(loaded: LoadedSite, programs: Programs = installed) -> SoundsMade:
    """Make what is new or changed of a site's prompts. Never raises for a prompt: what failed is told, the rest is made."""
    jobs = list(_jobs(loaded))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sounds") as pool:
        results = list(pool.map(lambda job: _make(job, programs), jobs))
    errors = tuple(result for result in results if isinstance(result, SoundError))
    return SoundsMade(results.count(True), results.count(False), errors)


def unspoken(loaded: LoadedSite) -> set[str]:
    """Return the prompts that would have to be spoken now: new or changed texts, or those of another speech program."""
    return {
        job.prompt
        for job in _jobs(loaded)
        if job.recording is None and not _is_made(job.target, _digest(job, recording=None))
    }


def remove_unsaid(loaded: LoadedSite) -> None:
    """Remove the sounds of prompts and languages that the site has no more. Nobody may be listening to them."""
    said = {job.target for job in _jobs(loaded)}
    folder = loaded.directory / "var" / "sounds"
    for path in folder.glob("*/*") if folder.is_dir() else ():
        name = path.name.removeprefix(".").removesuffix(".sha256").removesuffix(".ulaw").removesuffix(".alaw")
        if path.is_file() and path.suffix != ".new" and path.with_name(name) not in said:
            path.unlink()


def _jobs(loaded: LoadedSite) -> Iterator[_Job]:
    site, default = loaded.site, loaded.site.default_language
    for name, prompt in site.spoken().items():
        for language in site.company.languages:
            voice, text = _said(prompt, language, default)
            yield _Job(
                prompt=name,
                language=language,
                target=sound_path(loaded.directory, name, language),
                voice=voice,
                text=None if prompt.file else text,
                recording=loaded.inside(prompt.file) if prompt.file else None,
                command=tuple(site.speech.command),
            )


def _said(prompt: PromptTable, language: str, default: str) -> tuple[str, str | None]:
    """Return a prompt's text for callers of a language, and the language it is in: theirs, else the site's own, else any."""
    texts = prompt.texts if prompt.text is None else {default: prompt.text} | prompt.texts
    voice = next((code for code in (language, default, *texts) if code in texts), default)
    return voice, texts.get(voice)


def _make(job: _Job, programs: Programs) -> bool | SoundError:
    """Return True when the sound was made, False when it was still good, or what went wrong."""
    try:
        recording = _read(job.recording) if job.recording else None
        digest = _digest(job, recording)
        if _is_made(job.target, digest):
            return False
        _store(job.target, _coded(job, recording if recording is not None else _speak(job, programs)), digest)
    except _CantMake as error:
        return SoundError(job.prompt, job.language, str(error))
    except OSError as error:
        return SoundError(job.prompt, job.language, f"{error.filename or job.target} can't be used ({error.strerror})")
    return True


class _CantMake(Exception):
    """Why a sound can't be made, in one sentence."""


def _coded(job: _Job, sound: bytes) -> dict[str, bytes]:
    """Return a WAV as the files' contents, by what their names end with."""
    # numpy: 6 MB that a daemon whose sounds are all made does without.
    from callhandler.asterisk.audio import AudioError, alaw, read_wav, telephone, ulaw  # noqa: PLC0415

    try:
        samples = telephone(read_wav(sound))
    except AudioError as error:
        what = f"the recording {job.recording}" if job.recording else f"what {job.command[0]} wrote"
        raise _CantMake(f"{what} {error}") from error
    return {".ulaw": ulaw(samples), ".alaw": alaw(samples)}


def _read(recording: Path) -> bytes:
    if not recording.is_file():
        raise _CantMake(f"there is no recording {recording}")
    if recording.stat().st_size > _MOST_BYTES:
        raise _CantMake(f"the recording {recording} is larger than {_MOST_BYTES // 1_000_000} MB")
    return recording.read_bytes()


def _digest(job: _Job, recording: bytes | None) -> str:
    """Return what a sound depends on, as one short text."""
    heard = hashlib.sha256(recording).hexdigest() if recording is not None else [job.text, job.voice, job.command]
    return hashlib.sha256(json.dumps([_VERSION, heard]).encode()).hexdigest()


def _mark(target: Path) -> Path:
    return target.with_name(f".{target.name}.sha256")


def _is_made(target: Path, digest: str) -> bool:
    mark = _mark(target)
    whole = all(target.with_name(target.name + ending).is_file() for ending in (".ulaw", ".alaw"))
    return whole and mark.is_file() and mark.read_text() == digest


def _store(target: Path, contents: dict[str, bytes], digest: str) -> None:
    """Put the files in place one by one, each whole, so that a call that plays one never hears half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _mark(target).unlink(missing_ok=True)
    for ending, content in contents.items():
        _replace(target.with_name(target.name + ending), content)
    _replace(_mark(target), digest.encode())


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.write_bytes(content)
    temporary.replace(path)


def _speak(job: _Job, programs: Programs) -> bytes:
    """Return the WAV that the speech program makes of a text; the text goes to its standard input, and no shell is involved."""
    name, *arguments = job.command
    program = programs(name)
    if program is None:
        raise _CantMake(f"the speech program `{name}` is not installed; install it, or name another in [speech]")
    with tempfile.TemporaryDirectory(prefix="callhandler-speech-") as folder:
        file = Path(folder) / "speech.wav"
        filled = [part.replace("{language}", job.voice).replace("{file}", str(file)) for part in arguments]
        _run([*program, *filled], job.text or "", name)
        if not file.is_file():
            raise _CantMake(f"the speech program `{name}` wrote no file")
        return _read(file)


def _run(argv: list[str], text: str, name: str) -> None:
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints, start_new_session=True
        )
        try:
            process.communicate(text.encode(), timeout=_SPEECH_DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise _CantMake(f"the speech program `{name}` took longer than {_SPEECH_DEADLINE:.0f} s") from None
        if process.returncode != 0:
            complaints.seek(0)
            said = complaints.read(2_000).decode(errors="replace").split("\n")[0].strip()
            said = "".join(char for char in said if char.isprintable())[:200]
            raise _CantMake(
                f"the speech program `{name}` failed with exit code {process.returncode}"
                + (f": {said}" if said else "")
            )
