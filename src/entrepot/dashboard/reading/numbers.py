"""Numbers as addresses, forms and journals have them."""

from collections.abc import Iterable

MOST_DIGITS = 18  # whatever has more is no row's id, and no column holds it


def number_in(text: str) -> int | None:
    """The number that plain digits say; None for anything else, "²" among it."""
    is_plain = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return int(text) if is_plain else None


def numbers_in(texts: Iterable[str]) -> set[int]:
    """The numbers among several texts."""
    return {number for text in texts if (number := number_in(text)) is not None}
