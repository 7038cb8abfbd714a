"""The differences between two sites, one readable line each, for `reload`. Secrets are told as changed, never shown."""

from collections.abc import Iterator

from callhandler.site.findings import shown
from callhandler.site.models import Site
from callhandler.site.positions import KeyPath, written
from callhandler.site.shape import is_secret

_Tree = dict[str, object]
_TAKEN_UP_AT_STARTS = ("asterisk", "tls", "daemon", "mqtt", "mail")
_BUT = {"asterisk": {"music"}}


def diff(old: Site, new: Site) -> list[str]:
    """Return what changed from `old` to `new`: `agents.7001.name: 'Anna' -> 'Ann'`; whole entries as added or removed."""
    return list(_between((), _tree(old), _tree(new)))


def only_at_a_start(old: Site, new: Site) -> list[str]:
    """Return those of `diff` that a running daemon can't take up: where it listens, whom it speaks with, and by which secret."""
    return list(_between((), _fixed(_tree(old)), _fixed(_tree(new))))


def _fixed(tree: _Tree) -> _Tree:
    fixed: _Tree = {}
    for name in _TAKEN_UP_AT_STARTS:
        table, others = tree.get(name), _BUT.get(name, set())
        fixed[name] = {key: table[key] for key in table if key not in others} if isinstance(table, dict) else table
    return fixed


def _tree(site: Site) -> _Tree:
    """Return the site as plain values under the keys of the file; secrets in clear, for comparing only."""
    return _plain(site.model_dump(mode="python", by_alias=True))


def _plain(table: dict[str, object]) -> _Tree:
    return {str(key): _value(value) for key, value in table.items()}


def _value(value: object) -> object:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if reveal else value


def _between(path: KeyPath, old: _Tree, new: _Tree) -> Iterator[str]:
    for key in dict.fromkeys((*old, *new)):
        here = (*path, key)
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _between(here, before, after)
        elif key not in new or (after is None and isinstance(before, dict)):
            yield f"{written(here)}: removed{_name(before)}"
        elif key not in old or (before is None and isinstance(after, dict)):
            yield f"{written(here)}: added{_name(after)}"
        elif isinstance(before, list) and isinstance(after, list):
            yield from _lists(here, before, after)
        else:
            yield _change(here, before, after)


def _lists(path: KeyPath, old: list[object], new: list[object]) -> Iterator[str]:
    """Compare entry by entry where both have as many tables; else tell the lists as a whole."""
    if len(old) == len(new) and all(isinstance(item, dict) for item in (*old, *new)):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            if isinstance(before, dict) and isinstance(after, dict):
                yield from _between((*path, index), before, after)
    elif any(isinstance(item, dict) for item in (*old, *new)):
        yield f"{written(path)}: {len(old)} entries -> {len(new)} entries"
    else:
        yield _change(path, old, new)


def _change(path: KeyPath, old: object, new: object) -> str:
    if is_secret(path):
        return f"{written(path)}: changed"
    return f"{written(path)}: {_text(old)} -> {_text(new)}"


def _text(value: object) -> str:
    if value is None:
        return "unset"
    return shown(str(value)) if not isinstance(value, bool | int | float | list) else shown(value)


def _name(entry: object) -> str:
    """Return an entry's name in brackets; a plain value that was added or removed; nothing for other tables."""
    if isinstance(entry, dict):
        name = entry.get("name") or entry.get("text")
        return f" ({shown(name)})" if isinstance(name, str) else ""
    return f" ({_text(entry)})" if entry is not None else ""
