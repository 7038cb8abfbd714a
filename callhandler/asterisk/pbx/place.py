"""Where a private Asterisk's files are in a site's folder, and how they are put there. It knows nothing of what is in them."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def layout(directory: Path) -> dict[str, Path]:
    """The private Asterisk's folders, by the names of asterisk.conf.j2.

    Asterisk's control socket must have a path of at most 107 bytes; a site deeper than that gets a run folder in the
    temporary one.
    """
    base = directory / "var" / "asterisk"
    folders = {name: base / name for name in ("etc", "lib", "spool", "run", "log", "db")}
    if len(os.fsencode(folders["run"] / "asterisk.ctl")) > 100:
        key = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
        folders["run"] = Path(tempfile.gettempdir()) / f"callhandler-{os.getuid()}-{key}"
    return folders


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
