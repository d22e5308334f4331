"""What people and programs give as text: words, amounts, currencies and instants, checked."""

from datetime import datetime
from typing import Annotated

from babel.numbers import is_currency
from pydantic import AfterValidator, Field

LONGEST_TEXT = 4000


def _whole(text: str) -> str:
    """Text as a person may type it: no control characters that a database or a page refuses."""
    if "\x00" in text:
        raise ValueError("must not contain a NUL character")
    return text.strip()


def _known_currency(code: str) -> str:
    """A currency that exists: an order in another could never be paid."""
    if not is_currency(code):
        raise ValueError(f"{code} is no currency of ISO 4217")
    return code


def _with_zone(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("must name its time zone, as in 2026-03-01T09:30:00Z")
    if not 1970 <= at.year < 9000:
        raise ValueError("is not an instant of our time")
    return at


Text = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_whole)]
Word = Annotated[str, Field(max_length=300), AfterValidator(_whole)]
Reason = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_whole)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$"), AfterValidator(_known_currency)]
Amount = Annotated[
    str, Field(pattern=r"^-?[0-9]{1,13}(\.[0-9]{1,4})?$", examples=["49.90", "1200", "3.250"])
]
Moment = Annotated[datetime, AfterValidator(_with_zone)]
