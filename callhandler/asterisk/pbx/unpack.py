"""A folder of unpacked packages that programs run from with the folder's own loader: no root, no container, no installation.

It knows roots and archives, not Asterisk.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from callhandler.asterisk.pbx.apt import AptError, Package, PrivateApt, machine_choices
from callhandler.asterisk.pbx.telling import Teller

_SKIPPED = (
    "./usr/share/doc", "./usr/share/man", "./usr/share/info", "./usr/share/locale", "./usr/share/lintian", "./usr/share/bug",
    "./usr/share/asterisk/conf", "./usr/share/asterisk/static-http", "./usr/lib/*/gconv",
)  # fmt: skip
_MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


def cache_directory() -> Path:
    """Where private downloads are kept for all sites: CALLHANDLER_CACHE, else callhandler/ in the user's cache."""
    if chosen := os.environ.get("CALLHANDLER_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "callhandler"


@dataclass(frozen=True, slots=True)
class Root:
    """An unpacked folder."""

    path: Path

    def program(self, name: str) -> list[str] | None:
        """How to start a program of this root: its argv's beginning, or None when it isn't here."""
        found = next(
            (self.path / folder / name for folder in ("usr/sbin", "usr/bin") if (self.path / folder / name).exists()),
            None,
        )
        loader = next(
            iter(
                sorted(self.path.glob("usr/lib*/*/ld-linux-*.so.*"))
                or sorted(self.path.glob("usr/lib*/ld-linux-*.so.*"))
            ),
            None,
        )
        if found is None or loader is None:
            return None
        # Some keep theirs a folder deeper (pulseaudio's, which espeak-ng needs); the installed program would know where.
        # Debian 11's Asterisk keeps its own in usr/lib itself.
        inner = {
            path.parent
            for pattern in ("usr/lib/*-linux-gnu*/*/lib*.so*", "usr/lib/lib*.so*")
            for path in self.path.glob(pattern)
        }
        libraries = [
            str(path)
            for path in (loader.parent, *sorted({*self.path.glob("usr/lib/*-linux-gnu*"), *inner} - {loader.parent}))
        ]
        return [str(loader), "--library-path", ":".join(libraries), str(found)]

    def find(self, pattern: str) -> Path | None:
        """The first path that matches a glob."""
        return next(iter(sorted(self.path.glob(pattern))), None)


@contextmanager
def locked(path: Path, teller: Teller) -> Iterator[None]:
    """Hold a lock file, so that two processes don't do the same work twice; the second waits and finds it done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            teller.say("Another callhandler is fetching the same; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure_root(
    name: str, wanted: Iterable[str], needs: str, minimum: int, teller: Teller, debian: str | None = None
) -> Root:
    """The root `name` in the cache; fetched and unpacked first when it isn't there.

    `needs` is the package without which a source is no use and `minimum` its least major version. `debian` is the release to take it
    from, if it may not be any. Raises AptError.
    """
    cache = cache_directory()
    root = Root(cache / name)
    if root.path.is_dir():
        return root
    with locked(cache / f"{name}.lock", teller):
        if not root.path.is_dir():
            _fetch(root.path, tuple(wanted), needs, minimum, teller, debian)
    return root


def _fetch(path: Path, wanted: tuple[str, ...], needs: str, minimum: int, teller: Teller, debian: str | None) -> None:
    failures = []
    for left in path.parent.glob(f"{path.name}.*.part"):
        shutil.rmtree(left, ignore_errors=True)  # of an attempt that was killed; we hold the lock
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise AptError(f"there is no {tool} here to fetch it with")
    for choice in machine_choices(debian):
        apt = PrivateApt(path.parent / "apt" / choice.name.replace(" ", "-"), choice)
        try:
            apt.prepare()
            teller.say(f"Asking {choice.name} for {needs}")
            apt.update()
            version = apt.candidate(needs)
            if version is None or _major(version) < minimum:
                failures.append(f"{choice.name} has {needs} {version}" if version else f"{choice.name} has no {needs}")
                continue
            teller.say(
                f"Getting {needs} {version} from {choice.name} into {path} (nothing is installed on this machine)"
            )
            packages = apt.resolve(wanted)
            total = sum(package.size for package in packages)
            apt.download(wanted, partial(_tell_part, teller, total))
            teller.progress("downloading", total, total)
            _unpack(path, apt.archives, packages, teller)
        except AptError as error:
            failures.append(f"{choice.name}: {error}")
            continue
        return
    raise AptError("; ".join(failures) or "this machine's apt sources name no Debian or Ubuntu mirror")


def _tell_part(teller: Teller, total: int, part: float) -> None:
    teller.progress("downloading", min(int(part * total), total - 1), total)


def _major(version: str) -> int:
    digits = version.rpartition(":")[2].split(".")[0]
    return int(digits) if digits.isdigit() else 0


def _unpack(path: Path, archives: Path, packages: list[Package], teller: Teller) -> None:
    """Unpack into a folder beside `path` and put it in place in one step, so that a root is whole or isn't there."""
    teller.say(f"Unpacking {len(packages)} packages")
    temporary = Path(tempfile.mkdtemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent))
    try:
        for name, target in _MERGED.items():
            (temporary / target).mkdir(parents=True)
            (temporary / name).symlink_to(target)
        with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            list(pool.map(lambda package: _unpack_one(archives / package.file, temporary), packages))
        _link_libraries(temporary)
        (temporary / "packages.txt").write_text("".join(f"{package.file}\n" for package in packages))
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    for package in packages:
        (archives / package.file).unlink(missing_ok=True)


def _link_libraries(root: Path) -> None:
    """Make the links by which libraries are found; some packages leave that to the installation (seen: libpicohttpparser)."""
    program = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if program is not None:
        folders = [str(path) for path in root.glob("usr/lib/*-linux-gnu*")]
        subprocess.run([program, "-n", *folders], capture_output=True, check=False)


def _unpack_one(archive: Path, into: Path) -> None:
    tar = ["tar", "-x", "-C", str(into), "--keep-directory-symlink", "--no-same-owner", "--no-same-permissions"]
    tar += [f"--exclude={pattern}" for pattern in _SKIPPED]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as reader:
        done = subprocess.run(tar, stdin=reader.stdout, capture_output=True, text=True, check=False)
    if reader.returncode or done.returncode:
        raise AptError(f"{archive.name} can't be unpacked: {done.stderr.strip() or 'it is damaged'}")
