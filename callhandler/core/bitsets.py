"""Sets of numbered things as the bits of a number: joining or crossing two of them is one step, however many there are.

Knows nothing of what is numbered.
"""

from collections.abc import Iterable, Iterator

_FLAGS = bytes.maketrans(b"01", b"\x00\x01")


def bits(number: int) -> Iterator[int]:
    """Yield the places of a number's ones, the greatest first: the number becomes shorter on the way."""
    while number:
        place = number.bit_length() - 1
        yield place
        number ^= 1 << place


def number_of(places: Iterable[int]) -> int:
    """Return the number with ones at these places."""
    field = bytearray()
    for place in places:
        if place >> 3 >= len(field):
            field.extend(bytes((place >> 3) + 1 - len(field)))
        field[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(field, "little")


def flags(number: int, length: int) -> bytes:
    """Return a byte for each of the first `length` places, 1 where the number has a one: quick to ask one after the other."""
    return f"{number:0{length}b}".encode().translate(_FLAGS)[::-1]


def lowest_free(number: int) -> int:
    """Return the lowest place at which a number has no one."""
    return (~number & (number + 1)).bit_length() - 1
