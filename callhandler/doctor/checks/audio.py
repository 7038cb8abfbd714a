"""Checks of what callers hear: Asterisk's own phrases, the site's prompts, music. Pure."""

from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import Mode
from callhandler.doctor.verdict import Verdict, error, ok, some, unknown, warning


def phrases(seen: Evidence) -> Verdict:
    """Asterisk's own phrases are there: without `sounds/en` every Playback returns at once, silently."""
    check = "sounds"
    folder, found = seen.sounds.folder, seen.sounds.phrases
    if folder is None or found is None:
        return unknown(check, "Asterisk's data folder is not known", seen.look("core show settings"))
    if not found.get("en", False):
        return error(
            check,
            f"{folder / 'en'} has no phrases: Asterisk then plays nothing at all, without a word in its log",
            seen.mend if seen.mode is Mode.PRIVATE else "apt install asterisk-core-sounds-en-wav",
        )
    missing = [code for code, there in found.items() if not there]
    if missing:
        return warning(
            check,
            f"numbers, times and standard phrases are said in English to those who chose {some(missing)}",
            f"unpack Asterisk's sounds for {missing[0]} into {folder / missing[0]}",
        )
    return ok(check, f"Asterisk's phrases are there in {some(list(found))}")


def prompts(seen: Evidence) -> Verdict:
    """Every prompt was made, in every language, as the phones' own codecs."""
    check = "prompts"
    missing = seen.sounds.prompts_missing
    if missing:
        return error(check, f"no sound was made of {some(missing)}: callers hear nothing in their place", seen.mend)
    return ok(check, f"all {seen.sounds.prompts} are there")


def music(seen: Evidence) -> Verdict:
    """There is music to wait to: each queue's class, or at least the class `default`, which Asterisk takes in its place."""
    check = "music"
    classes, files = (seen.console.music if seen.console else None), seen.sounds.music
    if classes is None:
        return unknown(check, "its classes could not be asked for", seen.look("moh show classes"))
    if "default" not in classes:
        return error(
            check, "there is no class `default`: who waits hears silence",
            seen.mend if seen.mode is Mode.PRIVATE else "apt install asterisk-moh-opsound-wav",
        )  # fmt: skip
    wanted = dict.fromkeys(queue.music for queue in seen.loaded.site.queues.values())
    empty = [name for name in wanted if files.get(name) == 0]
    if empty:
        return error(
            check, f"{classes[empty[0]]} is empty: who waits hears silence",
            f"put music there, or name another folder as asterisk.music in {seen.loaded.path}; then {seen.theirs('moh reload')}",
        )  # fmt: skip
    missing = [name for name in wanted if name not in classes]
    if missing:
        return warning(check, f"there is no class {some(missing)}: `default` is played instead", seen.mend)
    return ok(check, f"{sum(files.get(name, 0) for name in wanted)} pieces")
