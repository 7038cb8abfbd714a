"""Fuzzing's machine: what a target is, how inputs are bred from a corpus, and how many of them are tried and told of.

Inputs come from one seed, so that a run can be had again. What an input means, and what may come of it, only the targets know.
"""

import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 4_096
"""Bytes of an input; each parser's own limits are tried by inputs made for that (in the corpus)."""
TOO_LONG = 2.0
"""Seconds of processor time after which an input counts as a hang."""
_TICK = 0.25
_MOST_FAILURES = 10
_NASTY = (
    b"\r\n", b"\n", b"\0", b"\r", b"\x1e", b'"', b"\\", b"'", b"${", b"$[", b"}", b"]", b"[", b"(", b")", b";", b",", b"<", b">", b": ",
    b"=", b"/../", b"%0a", b"\xc3\xa9", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"-1", b"0",
    b"99999999999999999999", b"1e999", b"nan", b"true", b"\t", b" ", b"\x7f", b"\x1b[2J", b"\xd9\xa1", b"\xc2\xb2",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """A parser under test. `check` takes any bytes; whatever it raises is a failure. `contract` says in words what it checks.

    `cost` is about how many inputs of the quickest target take as long as one of this.
    """

    name: str
    contract: str
    check: Callable[[bytes], None]
    tokens: tuple[bytes, ...] = ()
    cost: int = 1

    def corpus(self) -> list[bytes]:
        """Return the inputs that are kept: good ones to breed from, and each one that failed once."""
        lines = (CORPUS / f"{self.name}.txt").read_text(encoding="ascii").splitlines()
        return [unescaped(line) for line in lines if not line.startswith("#")]


@dataclass(slots=True)
class Outcome:
    """What a run of a target came to. `failures`: where, what, and an input; `slowest` is processor time of one input."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    failures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    hangs: int = 0


class Hang(BaseException):
    """An input took too long. No Exception, so that no code under test takes it for its own."""


def escaped(data: bytes) -> str:
    """Return an input as a line of a corpus file."""
    text = data.decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"\\x23{text[1:]}" if text.startswith("#") else text


def unescaped(line: str) -> bytes:
    """Return the input of a line of a corpus file."""
    return line.encode("ascii").decode("unicode_escape").encode("latin-1")


def bred(rng: Random, corpus: list[bytes], tokens: tuple[bytes, ...]) -> bytes:
    """Return a new input: one of the corpus with a few things done to it."""
    random = rng.random
    data = corpus[int(random() * len(corpus))]
    for _ in range(1 + int(random() ** 3 * 8)):
        size = len(data)
        at = int(random() * (size + 1))
        end = min(size, at + int(random() ** 3 * 24))
        match int(random() * 8):
            case 0 | 1:
                data = data[:at] + tokens[int(random() * len(tokens))] + data[at:]
            case 2:
                data = data[:at] + tokens[int(random() * len(tokens))] + data[end:]
            case 3:
                data = data[:at] + data[end:]
            case 4:
                data = data[:end] + data[at:]
            case 5:
                data = data[:at] + bytes((int(random() * 256),)) + data[at + 1 :]
            case 6:
                other = corpus[int(random() * len(corpus))]
                begin = int(random() * (len(other) + 1))
                data = data[:at] + other[begin : begin + int(random() * 64)] + data[end:]
            case _:
                data = data[:at] + data[at:end] * (1 + int(random() ** 4 * 40)) + data[end:]
    return data[:LONGEST]


def tokens_of(target: Target) -> tuple[bytes, ...]:
    """Return what inputs of a target are spoilt with: its own tokens, twice as often as those that are bad for anything."""
    return (*target.tokens, *_NASTY, *target.tokens)


def inputs(target: Target, count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` inputs of a target, the same for the same seed and corpus."""
    rng = Random(f"{seed} {target.name}")
    corpus, tokens = target.corpus(), tokens_of(target)
    for _ in range(count):
        yield bred(rng, corpus, tokens)


def tried(target: Target, some: Iterator[bytes], seconds: float = float("inf")) -> Outcome:
    """Try inputs until there are no more or `seconds` are over; keep one input for each place that failed."""
    outcome = Outcome(target.name)
    check, clock = target.check, time.perf_counter
    began = before = clock()
    slowest, longest = b"", 0.0
    with _watched(outcome):
        for data in some:
            outcome.inputs += 1
            try:
                check(data)
            except (Exception, Hang) as error:
                outcome.hangs += isinstance(error, Hang)
                outcome.failures.setdefault(_where(error), (str(error)[:400], data))
                if len(outcome.failures) >= _MOST_FAILURES:
                    break
            else:  # the slowest is looked for among those that don't fail
                if (took := clock() - before) > longest:
                    slowest, longest = data, took
            before = clock()
            if before - began > seconds:
                break
    outcome.seconds = clock() - began
    outcome.slowest = _timed(check, slowest)
    return outcome


@contextmanager
def _watched(outcome: Outcome) -> Iterator[None]:
    """Raise Hang in an input that takes longer than TOO_LONG of processor time; that of others doesn't count."""
    seen, ticks = -1, 0

    def tick(_signal: int, _frame: FrameType | None) -> None:
        nonlocal seen, ticks
        ticks = ticks + 1 if outcome.inputs == seen else 0
        seen = outcome.inputs
        if ticks * _TICK >= TOO_LONG:
            ticks = 0
            raise Hang(f"more than {TOO_LONG:g} s")

    before = signal.signal(signal.SIGVTALRM, tick)
    signal.setitimer(signal.ITIMER_VIRTUAL, _TICK, _TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _timed(check: Callable[[bytes], None], data: bytes) -> float:
    """Return the processor time of one input: the least of three, so that a busy machine doesn't count."""
    times = []
    for _ in range(3):
        began = time.process_time()
        check(data)
        times.append(time.process_time() - began)
    return min(times)


def _where(error: BaseException) -> str:
    """Return what kind of failure it was, and in which line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
