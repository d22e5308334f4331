"""Reads a platform's JSON by path, so that whatever is wrong with it can be named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.canon.money import Money

_decoder = msgspec.json.Decoder(float_hook=Decimal)


def read_json(body: bytes) -> Node:
    """Decode raw bytes; numbers with a fraction become Decimal, never float.

    Raises:
        ValueError: the bytes are not JSON.
    """
    try:
        return Node(_decoder.decode(body), "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"body: not JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON value and the path at which it stands.

    Each reading method raises ValueError with that path when the value is not what was asked for.
    Values themselves are never quoted: they may be personal.
    """

    value: Any
    path: str

    def __getitem__(self, key: str) -> Node:
        """The value of a field; one that is absent, or a field of null, reads as null."""
        path = f"{self.path}.{key}" if self.path else key
        if self.value is None:
            return Node(None, path)
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return Node(self.value.get(key), path)

    def __iter__(self) -> Iterator[Node]:
        """The elements of a list; null reads as an empty one."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        for index, value in enumerate(self.value):
            yield Node(value, f"{self.path}[{index}]")

    @property
    def is_null(self) -> bool:
        """Null, or absent."""
        return self.value is None

    def wrong(self, wanted: str) -> ValueError:
        """The error that says what was wanted here and what kind of value was found."""
        kind = {dict: "an object", list: "a list", str: "text", bool: "true or false"}.get(
            type(self.value), "null" if self.value is None else "a number"
        )
        return ValueError(f"{self.path or 'body'}: expected {wanted}, found {kind}")

    def text(self) -> str:
        """A text that must be there and not be empty."""
        if not isinstance(self.value, str):
            raise self.wrong("text")
        if not self.value:
            raise ValueError(f"{self.path or 'body'}: expected text, found an empty one")
        return self.value

    def text_or_empty(self) -> str:
        """A text; null reads as empty."""
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self.wrong("text")
        return self.value

    def whole(self) -> int:
        """A whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        return self.value

    def instant(self) -> datetime:
        """An ISO 8601 instant as aware UTC; one without an offset is taken for UTC."""
        text = self.text()
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{self.path}: expected an ISO 8601 instant") from None
        try:
            return (
                instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
            )
        except OverflowError:
            raise ValueError(f"{self.path}: an instant outside the calendar") from None

    def instant_or_none(self) -> datetime | None:
        """An instant; null and empty text read as None."""
        return None if self.value in (None, "") else self.instant()

    def money(self) -> Money:
        """An object of amount and currency, the amount as text or number."""
        amount = self["amount"].value
        if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
            raise self["amount"].wrong("an amount")
        try:
            return Money.of(amount, self["currency"].text())
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error
