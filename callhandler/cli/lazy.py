"""Commands that are imported when they are asked for, and nouns that show themselves when no verb follows.

Each command has 0.4 s in all: importing the others' libraries is the largest part of that.
"""

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from callhandler.core.plain import printable

SITE = "CALLHANDLER_SITE"
Context = typer.Context
"""What typer calls our methods with. Its base classes declare the wider context of the click within it (typer._click), which is private:
as is its formatter: there is no public name to declare these methods with, hence each `type: ignore` below."""
F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command is: a function or a Typer app in a module, with what `--help` says of it."""

    module: str
    name: str
    help: str

    def load(self) -> TyperGroup | TyperCommand:
        """Import it."""
        found = getattr(importlib.import_module(self.module), self.name)
        if not isinstance(found, typer.Typer):
            app = new_app()
            app.command()(found)
            found = app
        return cast("TyperGroup | TyperCommand", get_command(found))


COMMANDS: dict[str, Lazy] = {}
"""All commands of the program, in the order in which `--help` shows them. Filled in by cli/__init__.py."""


class Group(TyperGroup):
    """Commands under a name. One that isn't there is answered with those that are."""

    what = "verbs"

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, object, list[str]]:  # type: ignore[override]
        """Find the command that is named."""
        there = self.list_commands(ctx)
        if args[0] not in there:
            ctx.fail(f"there is no `{printable(args[0], 40)}`; {self.what} are {', '.join(there)}{self.hint()}")
        return super().resolve_command(ctx, args)

    def hint(self) -> str:
        """Return what else could have been meant."""
        return ""


class LazyGroup(Group):
    """The program itself: knows its commands by name, and imports one when it is called."""

    what = "commands"
    _listing = False

    def list_commands(self, ctx: Context) -> list[str]:  # type: ignore[override]
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> TyperGroup | TyperCommand | None:  # type: ignore[override]
        """Return a command; while help is being printed only a stand-in, so that nothing is imported for it."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=lazy.help)
        command = lazy.load()
        command.name = cmd_name
        command.help = command.help or lazy.help
        return command

    def format_help(self, ctx: Context, formatter: object) -> None:  # type: ignore[override]
        """Print the list of commands."""
        self._listing = True
        super().format_help(ctx, formatter)  # type: ignore[arg-type]


class Noun(Group):
    """A noun such as `calls`: with a verb it does something, without one it shows what there is (its verb `show`).

    Where `show` takes the id of a call, a word that could be one is not taken for a verb: ids, and so what they begin with, have digits.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put `show` where no verb is named."""
        word = first_word(args)
        if word is None:
            shown = "--help" not in args
        else:
            shown = word not in self.commands and (self._could_be_shown(word) or not _leads(word, args))
        return super().parse_args(ctx, ["show", *args] if shown else args)

    def hint(self) -> str:
        """Return how what `show` takes looks."""
        return "; the id of a call looks like pbx1-1795286814.0" if self._shows_one() else ""

    def _could_be_shown(self, word: str) -> bool:
        return self._shows_one() and any(character.isdigit() for character in word)

    def _shows_one(self) -> bool:
        return any(param.param_type_name == "argument" for param in self.commands["show"].params)


def _leads(word: str, args: Sequence[str]) -> bool:
    """Tell whether nothing but `--site` stands before the word: what follows other options may be theirs."""
    before = args[: args.index(word)]
    return (
        not before or (before[0] == "--site" and len(before) == 2) or (before[0][:7] == "--site=" and len(before) == 1)
    )


def first_word(args: Sequence[str]) -> str | None:
    """Return the first argument that is no option and no value of `--site`."""
    words = iter(args)
    for word in words:
        if word == "--site":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def new_app(cls: type[TyperGroup] | None = None, help: str | None = None) -> typer.Typer:
    """Return an app with the house's settings: no rich tracebacks, no completion commands in every noun."""
    return typer.Typer(cls=cls, help=help, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=False)


def noun(help_: str) -> typer.Typer:
    """Return an app for a noun. `--site` may stand before its verb, too."""
    app = new_app(cls=Noun, help=f"{help_}\n\nWithout a verb it is `show`.")
    app.callback()(remember_site)
    return app


def remember_site(
    site: str = typer.Option(None, "--site", envvar=SITE, metavar="DIR", help="The site's folder.", show_default=False),
) -> None:
    """Keep the site that was named for the command that follows, as if the environment had said so."""
    if site:
        os.environ[SITE] = site
