"""Lint rules about encryption: certificates that aren't there, keys that others can read."""

from collections.abc import Iterator

from callhandler.site.findings import Problem
from callhandler.site.loading import LoadedSite


def certificates(loaded: LoadedSite) -> Iterator[Problem]:
    """Find files of [tls] that aren't there: Asterisk would start without TLS, and its phones would be mute."""
    tls = loaded.site.tls
    if tls is None:
        return
    for name, path in (("certificate", tls.certificate), ("key", tls.key)):
        if not loaded.inside(path).is_file():
            yield Problem(("tls", name), f"there is no file {loaded.inside(path)}", "run `callhandler certs`")
    if any(trunk.encrypted for trunk in loaded.site.trunks.values()) and not loaded.inside(tls.trusted).is_file():
        yield Problem(
            ("tls", "trusted"),
            f"there is no file {loaded.inside(tls.trusted)}, and no encrypted trunk can be trusted",
            "apt install ca-certificates, or name the provider's certificate",
        )


def readable_key(loaded: LoadedSite) -> Iterator[Problem]:
    """Find a key that others on this machine can read."""
    tls = loaded.site.tls
    if tls is None or not (path := loaded.inside(tls.key)).is_file():
        return
    mode = path.stat().st_mode & 0o777
    if mode & 0o007:
        yield Problem(("tls", "key"), f"{path} can be read by everybody here (mode {mode:04o})", f"chmod 600 {path}")
