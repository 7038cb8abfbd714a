"""The command line: `callhandler:main`. Parse, ask, print; exit codes 0 done, 1 refused, 2 usage, 3 daemon not reachable.

Errors are one sentence on standard error, never a traceback; with `--json` an object that holds it.
Each command lives in a module of its own noun.
"""

import json
import os
import sys
from collections.abc import Sequence

import typer
from typer.main import get_command

from callhandler import __version__
from callhandler.cli.files import sentence
from callhandler.cli.lazy import COMMANDS, Lazy, LazyGroup, first_word, new_app, remember_site
from callhandler.cli.streams import prepare
from callhandler.core.plain import printable
from callhandler.errors import CallhandlerError, Unreachable

DEBUG = "CALLHANDLER_DEBUG"
"""Set to anything, an error of callhandler's own shows its traceback."""

COMMANDS.update(
    {
        "init": Lazy(
            "callhandler.cli.site_commands", "init", "Write a new site: callhandler.toml, prompts, generated secrets."
        ),
        "up": Lazy("callhandler.cli.up", "up", "Run a private Asterisk and the daemon, and show the live log."),
        "daemon": Lazy("callhandler.cli.daemon", "daemon", "Run the daemon beside an Asterisk that runs already."),
        "check": Lazy(
            "callhandler.cli.site_commands", "check", "Check the site file: all mistakes, and what would be wiser."
        ),
        "certs": Lazy("callhandler.cli.certs", "certs", "Make certificates for phones that speak SIP over TLS."),
        "config": Lazy("callhandler.cli.config", "app", "The site file's schema."),
        "doctor": Lazy(
            "callhandler.cli.doctor",
            "doctor",
            "Look at the whole set-up from outside, with the command that mends each trouble.",
        ),
        "status": Lazy("callhandler.cli.status", "status", "How the daemon is."),
        "calls": Lazy(
            "callhandler.cli.calls", "app", "Calls: those here now, past ones, one in full; hang up, move, prioritise."
        ),
        "agents": Lazy("callhandler.cli.agents", "app", "Agents: who does what; log in, log out, pause, resume."),
        "callbacks": Lazy(
            "callhandler.cli.callbacks", "app", "Callbacks: open and past ones; add, cancel, put off, call now."
        ),
        "inbox": Lazy(
            "callhandler.cli.inbox", "app", "What waits for a person to see to: messages, missed callers, and more."
        ),
        "queues": Lazy(
            "callhandler.cli.queues", "app", "The waiting lines: now, how well people were looked after, estimates."
        ),
        "explain": Lazy(
            "callhandler.cli.explain", "explain", "Why a call went where it went: each decision with its candidates."
        ),
        "holdproof": Lazy(
            "callhandler.cli.holdproof",
            "holdproof",
            "Every word a waiting caller heard, every silence, and the verdict.",
        ),
        "reload": Lazy(
            "callhandler.cli.reload",
            "reload",
            "Read the site file again; no waiting caller and no conversation is lost.",
        ),
        "emergency": Lazy(
            "callhandler.cli.emergency", "app", "Close the whole site to new calls at once, or open it again."
        ),
        "demo": Lazy(
            "callhandler.cli.demo_command", "demo", "Watch it work: a site of its own with driven callers and agents."
        ),
    }
)

app = new_app(cls=LazyGroup, help="A self-hosted telephone call handler in front of your Asterisk.")


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"callhandler {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_tell_version, help="Print the version and end."
    ),
    site: str = typer.Option(
        None,
        "--site",
        metavar="DIR",
        help="The site's folder; before or after the command, or CALLHANDLER_SITE.",
        show_default=False,
    ),
) -> None:
    remember_site(site)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    prepare()
    command, words = get_command(app), sys.argv[1:] if args is None else list(args)
    as_json = "--json" in words and first_word(words) != "demo"  # whose `--json` names a file
    try:
        command.main(words, prog_name="callhandler")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except CallhandlerError as error:
        _say(str(error), as_json)
        return 3 if isinstance(error, Unreachable) else 1
    except KeyboardInterrupt:
        return 130
    except UnicodeEncodeError as error:
        _say(f"`{printable(error.object, 40)}` is not UTF-8; write it in UTF-8", as_json=False)
        return 2
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        about_a_file = sentence(error) if isinstance(error, OSError) else None
        if about_a_file is not None:
            _say(about_a_file, as_json)
            return 1
        _say(f"callhandler itself failed ({type(error).__name__}: {error}); {DEBUG}=1 shows where", as_json)
        return 1
    return 0


def _say(sentence: str, as_json: bool) -> None:
    if as_json:
        sys.stderr.write(json.dumps({"error": sentence}) + "\n")
        return
    sys.stderr.write("".join(f"{printable(line, 2_000)}\n" for line in sentence.splitlines()))
