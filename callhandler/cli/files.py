"""What the system says about a file that can't be used, as a sentence for whoever typed the command. Knows no command."""

import errno
import os
import pwd
from pathlib import Path

from callhandler.core.plain import printable

_RIGHTS = {errno.EACCES, errno.EPERM}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_A_FILE = {errno.EEXIST, errno.ENOTDIR}


def sentence(error: OSError) -> str | None:
    """Return what, where and what would be right; None where the error names no file, and is no trouble with one."""
    if error.errno in _NO_ROOM and error.filename is None:  # such as standard output's
        return "there is no room left on the disk that is written to; make some, or write to another place"
    if error.errno is None or not isinstance(error.filename, str | bytes):
        return None
    path = Path(os.fsdecode(error.filename))
    if error.errno in _RIGHTS:
        return f"{path} can't be used by the user {_user(os.geteuid())}: {_whose(path)}"
    if error.errno in _A_FILE:
        return f"{path} can't be made: a file lies where a folder is wanted; move it away, or name another place"
    if error.errno == errno.EISDIR:
        return f"{path} is a folder, and a file is wanted there; name another"
    if error.errno == errno.ENOENT and not _is_there(path.parent):
        return f"there is no folder {path.parent} for {path.name}: make it, or name another place"
    if error.errno == errno.ENOENT:
        return f"there is no {path}"
    if error.errno == errno.ENAMETOOLONG:
        return f"the name {printable(str(path), 60)} is too long, with {len(str(path))} characters; name a shorter one"
    if error.errno in _NO_ROOM:
        return f"{path} can't be written: there is no room left on its disk; make some, or name another place"
    if error.errno == errno.EROFS:
        return f"{path} can't be written: its file system is read-only; name another place"
    return f"{path} can't be used: {error.strerror}"


def _whose(path: Path) -> str:
    """Return what would be right where rights are lacking, by whom the file belongs to, or the nearest folder of it that is seen."""
    there = next(one for one in (path.absolute(), *path.absolute().parents) if _is_there(one))
    owner = there.stat().st_uid
    if owner == os.geteuid():
        return f"give it the rights, on {there} too"
    return f"{there} belongs to {_user(owner)}; run this as that user, or give this one the rights"


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
