"""Numbers as they are typed after an option. What isn't one, or lies outside, is answered with what would be right. Knows no command."""

import math
from collections.abc import Callable

import typer

from callhandler.core.plain import printable


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`, as the `parser` of an option."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:  # so many digits that Python won't read them, too
            value = least - 1
        if not least <= value <= most:
            raise typer.BadParameter(_wrong(text, "whole number", least, most))
        return value

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a number from `least` to `most`, as the `parser` of an option."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:  # which no NaN does
            raise typer.BadParameter(_wrong(text, "number", least, most))
        return value

    return read


def _wrong(text: str, kind: str, least: float, most: float) -> str:
    return f"`{printable(text, 40)}` is no {kind} from {least:,} to {most:,}"
