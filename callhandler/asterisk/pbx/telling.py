"""How long work tells people what it is doing: a sentence at each step, and progress while something is fetched."""

from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text


class Teller(Protocol):
    """Someone who is told what happens."""

    def say(self, sentence: str) -> None:
        """Tell one thing that is being done now."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell how far a step is, in bytes; `done == total` ends it."""


class Silent:
    """Tells nobody."""

    def say(self, sentence: str) -> None:
        """Say nothing."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Show nothing."""


class RichTeller:
    """Tells the person at the terminal; where there is none, progress is told by a line at its end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def say(self, sentence: str) -> None:
        """Print the sentence."""
        self._console.print(Text.assemble(("· ", "dim"), sentence), highlight=False)

    def progress(self, what: str, done: int, total: int) -> None:
        """Move the bar, which goes when `done` reaches `total`."""
        if not self._console.is_terminal:
            if done >= total:
                self.say(f"{what}: {total / 1e6:.0f} MB")
            return
        if self._bar is None:
            columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)
        assert self._task is not None
        self._bar.update(self._task, completed=done)
        if done >= total:
            self._bar.stop()
            self._bar = None
            self.say(f"{what}: {total / 1e6:.0f} MB")
