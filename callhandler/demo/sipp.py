"""Running SIPp: scenarios and their CSV files into a folder, processes started and stopped by pid, what they logged read back.

Knows SIPp (3.6 to 3.8), not what the calls are about. Nothing but SIP is known on this side.
"""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import TracebackType

from jinja2 import Environment, StrictUndefined

from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.errors import CallhandlerError

HOST = "127.0.0.1"
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a scenario logged: what happened in which call, known by the caller's number; `at` since the epoch."""

    event: str
    number: str
    at: float
    rest: str


@dataclass(slots=True)
class Sipp:
    """SIPp processes in one folder, all towards the same Asterisk; a context manager that stops what still runs."""

    argv: Sequence[str]
    folder: Path
    sip_port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> "Sipp":
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        for process in self.running.values():
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(
        self, name: str, scenario: str | Path, rows: Rows, port: int, media_port: int, *more: str, **values: str | int
    ) -> subprocess.Popen[bytes]:
        """Start a scenario under a name of its own, with a CSV file of `rows`. One of this package is filled in with `values`.

        In CSV files `;` parts and a newline ends: rows that hold either are refused with ValueError.
        """
        if any(set(cell) & set(";\r\n") for row in rows for cell in row):
            raise ValueError("a cell of a SIPp CSV file holds ; or a line's end")
        lines = ["SEQUENTIAL", *(";".join(row) for row in rows)]
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        path = scenario if isinstance(scenario, Path) else self.folder / f"{name}.xml"
        if isinstance(scenario, str):
            path.write_text(scenario_text(scenario, file=f"{name}.csv", **values), "utf-8")
        command = [*self.argv, f"{HOST}:{self.sip_port}", "-sf", str(path), "-inf", f"{name}.csv"]
        command += ["-i", HOST, "-p", str(port), "-mi", HOST, "-mp", str(media_port), "-nostdin", "-timer_resol", "10"]
        command += ["-trace_err", "-error_file", f"{name}.err", "-trace_logs", "-log_file", f"{name}.log", *more]
        with (self.folder / f"{name}.out").open("wb") as out:
            process = subprocess.Popen(
                dying_with_parent(command), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self.running[name] = process
        return process

    def finish(self, name: str, within: float) -> None:
        """Wait for a process that ends by itself.

        Raises:
            CallhandlerError: it failed, or took longer than `within` seconds.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self.running[name].wait(within) == 0:
                return
        raise CallhandlerError(f"SIPp failed as {name}: {self.trouble(name) or 'it did not end in time'}")

    def trouble(self, name: str) -> str:
        """The last that a process complained of, in one line."""
        for end in ("err", "out"):
            with contextlib.suppress(OSError):
                text = (self.folder / f"{name}.{end}").read_text("utf-8", "replace").split()
                if text:
                    return " ".join(text)[-300:]
        return ""

    def lines(self, name: str) -> Iterator[Line]:
        """What a process has logged up to now: "event number seconds microseconds rest"; lines of no call are passed over."""
        try:
            text = (self.folder / f"{name}.log").read_text("utf-8", "replace")
        except FileNotFoundError:
            return
        for raw in text.splitlines():
            parts = raw.split(" ", 4)
            if len(parts) == 5 and parts[1]:
                with contextlib.suppress(ValueError):
                    micro = float(parts[3] or "0")  # SIPp writes nothing for 0
                    yield Line(parts[0], parts[1], float(parts[2]) + micro / 1e6, parts[4].strip())


def scenario_text(name: str, **values: str | int) -> str:
    """A scenario of this package, filled in."""
    text = (files("callhandler.demo") / "scenarios" / f"{name}.xml.j2").read_text(encoding="utf-8")
    # SIPp's XML is made of constants of ours only: fields from outside go through the CSV file.
    made = Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(text)  # noqa: S701
    return made.render(**values)
