"""Unix sockets at paths of any length: the kernel takes 107 bytes, a site's folder may lie deeper."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_MOST = 107
"""sockaddr_un.sun_path holds 108 bytes with its closing NUL (unix(7))."""


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Give a name for the socket at `path` that fits, for as long as the context lasts.

    Long ones go through the folder's file descriptor, /proc/self/fd/N/NAME. OSError when the folder isn't there.
    """
    if len(os.fsencode(path)) <= _MOST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
