"""What is said, taken apart into what Asterisk says in one command each. Must not know how it is told to."""

from collections.abc import Iterable

from callhandler.scripts.caller import Clock, Digits, Letters, Number, Prompt, Recording, Sound, Spoken

Piece = Prompt | Sound | Number | Clock | Recording
_MOST_LETTERS = 60
_SPELT = {
    **{digit: f"digits/{digit}" for digit in "0123456789"},
    **{letter: f"letters/{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"},
    "*": "digits/star",
    "#": "digits/pound",
    "+": "letters/plus",
    "-": "letters/dash",
    "@": "letters/at",
    ".": "letters/dot",
}


def pieces(spoken: Iterable[Spoken]) -> list[Piece]:
    """Return what is said piece by piece: digits and letters as sounds.

    FastAGI can cut STREAM FILE, but not SAY DIGITS and its kin (measured).
    """
    found: list[Piece] = []
    for one in spoken:
        match one:
            case Digits(digits=text) | Letters(text=text):
                found += [Sound(_SPELT[letter]) for letter in text.lower()[:_MOST_LETTERS] if letter in _SPELT]
            case _:
                found.append(one)
    return found
