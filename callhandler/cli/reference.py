"""docs/cli.md, made of the commands themselves: `python -m callhandler.cli.reference > docs/cli.md`."""

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from typer.core import TyperCommand, TyperGroup

from callhandler.cli.lazy import COMMANDS

_HEAD = """# The command line

Made from the commands themselves: `python -m callhandler.cli.reference > docs/cli.md`.

Each command prints a table for people and, with `--json`, JSON for machines. Times in tables are in the site's time zone; in
JSON they are seconds since the epoch (UTC). Durations are seconds in JSON, m:ss in tables.

`--site DIR` (before or after the command) or `CALLHANDLER_SITE` names the site's folder; without either it is the one here, else
`./site`.

| exit code | means |
|---|---|
| 0 | done |
| 1 | refused, and the sentence on standard error says why; or a finding of `check`, `doctor`, `demo` or `holdproof` that is as bad |
| 2 | the command itself is wrong, or there is no such site |
| 3 | the daemon can't be reached |

With `--json`, what comes with 1 or 3 as a sentence is one object on standard error, `{"error": "..."}`, and standard output has nothing but
answers. Usage errors (2) are text.

The commands speak to the daemon over its control API, HTTP on the Unix socket that `[daemon] socket` names (mode 0660; who asks is
checked again by the kernel's word: root, the daemon's user, members of the socket's group). It describes itself:
`curl --unix-socket var/control.sock http://callhandler/openapi.json`. What is past is read from the journal: `calls --last`,
`calls CALL` and `explain` work while the daemon is down. `CALLHANDLER_DEBUG=1` shows where an error of callhandler's own came from.
"""


def markdown() -> str:
    """Return docs/cli.md."""
    parts = [_HEAD]
    for name, lazy in COMMANDS.items():
        if find_spec(lazy.module) is None:
            continue
        command = lazy.load()
        parts += [f"\n## callhandler {name}\n", *_described(f"callhandler {name}", command, lazy.help)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def _described(name: str, command: TyperGroup | TyperCommand, help_: str) -> Iterator[str]:
    yield (command.help or help_).strip() + "\n"
    if isinstance(command, TyperGroup):
        for verb, under in command.commands.items():
            yield f"### {name} {verb}\n"
            assert isinstance(under, TyperCommand)
            yield from _described(f"{name} {verb}", under, "")
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    shown = [one.metavar or (one.name or "").upper() for one in arguments]
    words = [word if one.required else f"[{word}]" for word, one in zip(shown, arguments, strict=True)]
    yield f"```\n{' '.join([name, *words, '[OPTIONS]'])}\n```\n"
    rows = [(word, one) for word, one in zip(shown, arguments, strict=True)]
    rows += [(" ".join(filter(None, [", ".join(one.opts), one.metavar])), one) for one in options]
    for word, one in rows:
        yield f"- `{word}`: {(getattr(one, 'help', None) or '').strip()}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(markdown())
