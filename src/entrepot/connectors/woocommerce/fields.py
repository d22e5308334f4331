"""Reads JSON objects field by field, so that what is wrong is told with where it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.canon.money import Money, NotMoney

Json = Any
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class BadField(ValueError):
    """A field is missing or not what it should be; the message begins with its path."""


def decoded(body: bytes) -> "Fields":
    """Read a JSON object; numbers with a fraction stay exact.

    Raises:
        BadField: the body is not JSON, or not an object.
    """
    try:
        value = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadField(f"the body is not JSON: {error}") from error
    return Fields(value)


class Fields:
    """A JSON object and the path that led to it.

    PHP encodes an empty object as an empty list, and plug-ins leave out or null what is optional:
    both read as absent. What is there with another type is a BadField with its path, which is put
    together only then: an order is read through some thirty of these.
    """

    __slots__ = ("_index", "_meta", "_name", "_outer", "value")

    def __init__(
        self,
        value: Json,
        name: str = "",
        outer: "Fields | None" = None,
        index: int | None = None,
    ) -> None:
        self._name = name
        self._outer = outer
        self._index = index
        self._meta: list[tuple[str, Json]] | None = None
        if not isinstance(value, dict):
            if value != [] or not isinstance(value, list):
                raise BadField(f"{self.path or 'body'}: expected an object, saw {_shown(value)}")
            value = {}
        self.value: Mapping[str, Json] = value

    @property
    def path(self) -> str:
        """What led here from the body: "line_items[0].image"."""
        path = self._outer.where(self._name) if self._outer else self._name
        return path if self._index is None else f"{path}[{self._index}]"

    def where(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def text(self, name: str, *, required: bool = False) -> str:
        """A text without white space around it; empty when absent. Numbers are taken as written."""
        value = self.value.get(name)
        if isinstance(value, str):
            return value.strip()
        if value is None and not required:
            return ""
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return str(value)
        raise BadField(f"{self.where(name)}: expected a text, saw {_shown(value)}")

    def identifier(self, name: str, *, required: bool = False) -> str:
        """A row's id as text; empty when absent or 0, which is how the shop says none."""
        value = self.value.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, int) and value > 0 and value is not True:
            return str(value)
        if not required and value in (None, "", 0):
            return ""
        raise BadField(f"{self.where(name)}: expected an id, saw {_shown(value)}")

    def whole(self, name: str) -> int:
        """A whole number; a fraction is refused, because units cannot be cut."""
        value = self.value.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, Decimal) and value == value.to_integral_value():
            return int(value)
        raise BadField(f"{self.where(name)}: expected a whole number, saw {_shown(value)}")

    def flag(self, name: str) -> bool | None:
        """True, False, or None when the shop does not say."""
        value = self.value.get(name)
        return value if isinstance(value, bool) else None

    def money(self, name: str, currency: str, *, required: bool = True) -> Money:
        """An amount as the shop writes it, "49.90", rounded to what the checked currency knows."""
        value = self.value.get(name)
        if not value and not required and value in (None, ""):
            return Money.zero(currency)
        if not isinstance(value, (str, int, Decimal)) or isinstance(value, bool):
            raise BadField(f"{self.where(name)}: expected an amount, saw {_shown(value)}")
        try:
            return Money.read(value, currency)
        except NotMoney as error:
            raise BadField(f"{self.where(name)}: not an amount") from error

    def instant(self, name: str) -> datetime | None:
        """One of the `_gmt` fields as aware UTC; None when the shop says null."""
        value = self.value.get(name)
        if value in (None, ""):
            return None
        try:
            at = datetime.fromisoformat(str(value))
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise BadField(f"{self.where(name)}: not a date and time") from error

    def required_instant(self, name: str) -> datetime:
        """An instant that must be there."""
        at = self.instant(name)
        if at is None:
            raise BadField(f"{self.where(name)}: expected a date and time, saw nothing")
        return at

    def inner(self, name: str) -> "Fields":
        """An object within; an empty one when absent."""
        return Fields(self.value.get(name) or {}, name, self)

    def each(self, name: str) -> list["Fields"]:
        """The objects of a list; none when absent."""
        value = self.value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise BadField(f"{self.where(name)}: expected a list, saw {_shown(value)}")
        return [Fields(item, name, self, index) for index, item in enumerate(value)]

    def meta(self) -> list[tuple[str, Json]]:
        """The (key, value) pairs of `meta_data`, in the shop's order."""
        if self._meta is None:
            rows = self.each("meta_data")
            self._meta = [(row.text("key"), row.value.get("value")) for row in rows]
        return self._meta


def _shown(value: Json) -> str:
    """What kind of value it is; never the value, which may be personal."""
    if value is None:
        return "nothing"
    kinds = {
        bool: "a flag",
        int: "a number",
        Decimal: "a fraction",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), type(value).__name__)
