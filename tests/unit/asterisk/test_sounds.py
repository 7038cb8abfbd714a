"""Prompts as files for Asterisk: made once, made again when they changed, and clear words for each that can't be."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from callhandler.asterisk import sounds
from callhandler.asterisk.sounds import SoundsMade, installed, make_sounds, remove_unsaid, sound_path
from callhandler.site import models
from callhandler.site.loading import LoadedSite, load
from callhandler.site.standard import LANGUAGES, standard

SPEECH = """
import sys, wave, math, struct
language, file = sys.argv[1:3]
text = sys.stdin.buffer.read().decode()
with open(sys.argv[0] + ".log", "a") as log:
    log.write(f"{language}: {text}\\n")
with wave.open(file, "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(22050)
    out.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i * len(text) / 50))) for i in range(5000)))
"""
SITE = """
company = { name = "A", operator = "phone:1", languages = { en = "english", de = "german" } }
asterisk = { ami_secret = "123456789012" }
phones.1 = { password = "12345678" }
speech = { command = ["talker", "{language}", "{file}"] }
[prompts.hello]
text = "Hello; $(touch x) `ls` ${EXTEN} <b>"
texts.de = "Grüß Gott"
[prompts.bye]
text = "Bye"
"""


@pytest.fixture(autouse=True)
def only_the_sites_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "standard", dict)


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., LoadedSite]:
    def write(*changes: tuple[str, str]) -> LoadedSite:
        text = SITE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "callhandler.toml").write_text(text)
        return load(tmp_path)

    return write


@pytest.fixture
def talker(tmp_path: Path) -> Callable[[str], list[str] | None]:
    script = tmp_path / "talker.py"
    script.write_text(SPEECH)
    return lambda name: [sys.executable, "-S", str(script)] if name == "talker" else None


def said(tmp_path: Path) -> list[str]:
    log = tmp_path / "talker.py.log"
    lines = sorted(log.read_text().splitlines()) if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def test_every_prompt_is_there_in_every_language_and_both_codecs(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path
) -> None:
    assert make_sounds(site(), talker) == SoundsMade(4, 0)
    assert said(tmp_path) == ["de: Grüß Gott", "en: Bye", "en: Bye", "en: Hello; $(touch x) `ls` ${EXTEN} <b>"]
    for prompt in ("hello", "bye"):
        for language in ("en", "de"):
            path = sound_path(tmp_path, prompt, language)
            sizes = {path.with_name(path.name + ending).stat().st_size for ending in (".ulaw", ".alaw")}
            assert len(sizes) == 1
            assert sizes.pop() == pytest.approx(5_000 * 8_000 / 22_050, abs=2)
    assert not list((tmp_path / "var/sounds").rglob("*.new"))


def test_only_what_changed_is_made_again(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path
) -> None:
    make_sounds(site(), talker)
    said(tmp_path)
    assert make_sounds(site(), talker) == SoundsMade(0, 4)
    assert make_sounds(site(("Bye", "Goodbye")), talker) == SoundsMade(2, 2)
    assert said(tmp_path) == ["en: Goodbye", "en: Goodbye"]
    slower = ('"{file}"]', '"{file}", "--slow"]')
    assert make_sounds(site(("Bye", "Goodbye"), slower), talker) == SoundsMade(4, 0)
    assert make_sounds(site(), talker) == SoundsMade(4, 0)
    said(tmp_path)
    sound_path(tmp_path, "hello", "en").with_suffix(".alaw").unlink()
    assert make_sounds(site(), talker) == SoundsMade(1, 3)
    assert said(tmp_path) == ["en: Hello; $(touch x) `ls` ${EXTEN} <b>"]


def test_a_recording_is_used_and_made_again_when_it_changes(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path
) -> None:
    make_sounds(site(), talker)
    recorded = site(('text = "Bye"', 'file = "bye.wav"'))
    for length, made in (("one", 2), ("one", 0), ("three", 2)):
        argv = talker("talker")
        assert argv is not None
        subprocess.run([*argv, "en", str(tmp_path / "bye.wav")], input=length.encode(), check=True)
        assert make_sounds(recorded, talker).made == made


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "import sys; sys.stderr.write('no such\\x1b voice\\nmore'); sys.exit(3)",
            "failed with exit code 3: no such voice",
        ),
        ("pass", "wrote no file"),
        ("import sys; open(sys.argv[2], 'wb').write(b'no')", "what talker wrote is no WAV file"),
        ("import os; os.kill(os.getpid(), 9)", "failed with exit code -9"),
    ],
)
def test_a_speech_program_that_fails_is_told_once_for_each_prompt(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path, script: str, told: str
) -> None:
    (tmp_path / "talker.py").write_text(script)
    result = make_sounds(site(), talker)
    assert (result.made, result.kept, len(result.errors)) == (0, 0, 4)
    assert all(told in str(error) for error in result.errors), result.errors
    assert str(result.errors[0]).startswith("prompt hello (en): ")


def test_a_program_that_is_missing_is_told_with_what_to_do(site: Callable[..., LoadedSite]) -> None:
    errors = make_sounds(site()).errors
    assert {error.sentence for error in errors} == {
        "the speech program `talker` is not installed; install it, or name another in [speech]"
    }


def test_a_program_that_hangs_is_stopped_with_all_it_started(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "_SPEECH_DEADLINE", 0.3)
    (tmp_path / "talker.py").write_text("import subprocess, time; subprocess.Popen(['sleep', '60']).wait()")
    begun = time.monotonic()
    result = make_sounds(site(), talker)
    assert time.monotonic() - begun < 50
    assert all("took longer than" in error.sentence for error in result.errors)


def test_one_bad_prompt_does_not_keep_the_others_from_being_made(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path
) -> None:
    (tmp_path / "bye.wav").write_bytes(b"RIFF")
    result = make_sounds(site(('text = "Bye"', 'file = "bye.wav"')), talker)
    assert (result.made, len(result.errors)) == (2, 2)
    assert "bye.wav is no WAV file" in result.errors[0].sentence
    missing = make_sounds(site(('text = "Bye"', 'file = "gone.wav"')), talker)
    assert "there is no recording" in missing.errors[0].sentence


def test_a_folder_that_cannot_be_written_is_told(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path
) -> None:
    (tmp_path / "var").write_text("a file")
    assert all("can't be used" in error.sentence for error in make_sounds(site(), talker).errors)


def test_agents_names_are_spoken_too(site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path) -> None:
    agents = ("phones.1 =", 'agents.7 = { name = "Zoë", pin = "123456" }\nphones.1 =')
    assert make_sounds(site(agents), talker) == SoundsMade(6, 0)
    assert said(tmp_path).count("en: Zoë") == 2
    assert sound_path(tmp_path, "agent-7", "de").with_suffix(".ulaw").exists()


def test_the_standard_prompts_are_spoken_too_each_in_the_language_of_its_text(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "standard", lambda: {name: standard()[name] for name in ("std-next", "std-kept")})
    finnish = ('languages = { en = "english"', 'languages = { fi = "finnish"')
    own = ("[prompts.hello]", '[prompts.std-kept]\ntext = "Paikkasi on tallella."\n[prompts.hello]')
    make_sounds(site(finnish, own), talker)
    assert {line for line in said(tmp_path) if "next" in line or "Nächstes" in line or "Paikkasi" in line} == {
        "en: You are next in line.",  # there is no Finnish text, and a Finnish voice can't read English
        "de: Sie sind als Nächstes an der Reihe.",
        "fi: Paikkasi on tallella.",
    }


def test_every_standard_prompt_is_there_in_every_language() -> None:
    for name, prompt in standard().items():
        assert name.startswith("std-")
        assert tuple(prompt.texts) == LANGUAGES
        assert all(text.strip() == text and text for text in prompt.texts.values())


def test_a_program_is_found_by_path() -> None:
    assert installed("sh") is not None
    assert installed("no-such-program-anywhere") is None


def test_what_is_said_no_more_goes(site: Callable[..., LoadedSite], talker: Callable[[str], list[str] | None]) -> None:
    make_sounds(site(), talker)
    less = site(('[prompts.bye]\ntext = "Bye"\n', ""), (', de = "german"', ""), ('texts.de = "Grüß Gott"\n', ""))
    folder = less.directory / "var" / "sounds"
    (folder / "en" / ".hello.ulaw.1.new").write_bytes(b"being made")
    remove_unsaid(less)
    kept = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))
    kinds = [name for name in kept if not name.startswith(("en/agent", "en/.agent", "en/std", "en/.std"))]
    assert kinds == ["en/.hello.sha256", "en/.hello.ulaw.1.new", "en/hello.alaw", "en/hello.ulaw"]
    assert make_sounds(less, talker).made == 0, "nothing that is needed"


def test_what_fails_all_prompts_alike_is_one_sentence(
    site: Callable[..., LoadedSite], talker: sounds.Programs, tmp_path: Path
) -> None:
    assert sounds.unspoken(site()) == {"hello", "bye"}
    (cause,) = make_sounds(site(), lambda _: None).causes
    assert cause.startswith("prompt hello (en) and 3 more: the speech program `talker` is not installed")
    make_sounds(site(), talker)
    assert sounds.unspoken(site()) == set()
    assert sounds.unspoken(site(("Bye", "Goodbye"))) == {"bye"}
    one = make_sounds(site(('text = "Bye"', 'file = "none.wav"')), talker)
    assert [cause.partition(":")[0] for cause in one.causes] == ["prompt bye (en) and 1 more"]
