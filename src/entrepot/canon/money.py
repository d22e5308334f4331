"""Money: an exact amount in one currency, rounded the way that currency is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

DEFAULT_EXPONENT = 2
# ISO 4217, minor units other than two. Source: ISO 4217 list one, as of 2024-06.
EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF",
            "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
CURRENCY_LENGTH = 3


class NotMoney(ValueError):
    """A text that was meant as an amount or a currency is neither."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met where only one currency makes sense."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"cannot put {first} and {second} together: they are different currencies")
        self.first = first
        self.second = second


def exponent_of(currency: str) -> int:
    """How many decimals the currency has: 0 for JPY, 2 for EUR, 3 for KWD."""
    return EXPONENTS.get(currency, DEFAULT_EXPONENT)


@lru_cache(maxsize=256)
def checked_currency(code: str) -> str:
    """Return the upper-case ISO 4217 code, or raise NotMoney if it cannot be one."""
    upper = code.strip().upper()
    if len(upper) != CURRENCY_LENGTH or not upper.isascii() or not upper.isalpha():
        raise NotMoney(f"{code!r} is not a currency code")
    return upper


def parse_amount(text: str | int | Decimal) -> Decimal:
    """Read a decimal amount. Floats are refused by type: they have already lost the truth."""
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise NotMoney(f"{text!r} is not an amount") from error
    if not amount.is_finite():
        raise NotMoney(f"{text!r} is not an amount")
    return amount


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in major units ("49.90") with its ISO 4217 currency."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Money:
        """Read an amount in major units.

        Raises:
            NotMoney: the amount is not a finite decimal, or the currency not a code.
        """
        return cls(parse_amount(amount), checked_currency(currency))

    @classmethod
    def read(cls, amount: str | int | Decimal, currency: str) -> Money:
        """Read an amount in a currency that was checked, rounded to what it knows.

        Raises:
            NotMoney: the amount is not a finite decimal, or too long to be rounded.
        """
        try:
            return cls(_rounded(parse_amount(amount), currency), currency)
        except InvalidOperation as error:
            raise NotMoney(f"{amount!r} is not an amount") from error

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in that currency."""
        return cls(Decimal(0), checked_currency(currency))

    @property
    def minor(self) -> int:
        """The amount in the smallest unit; the amount must already be rounded to it."""
        scaled = self.amount.scaleb(exponent_of(self.currency))
        if scaled != scaled.to_integral_value():
            raise NotMoney(f"{self} has more decimals than {self.currency} knows")
        return int(scaled)

    def rounded(self) -> Money:
        """Round half up to the currency's own decimals."""
        return Money(_rounded(self.amount, self.currency), self.currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return Money(self.amount * factor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.amount <= other.amount

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(_quantum_of(currency), ROUND_HALF_UP)


@lru_cache(maxsize=256)
def _quantum_of(currency: str) -> Decimal:
    """The smallest unit of the currency, as an amount to round to."""
    return Decimal(1).scaleb(-exponent_of(currency))


def total_of(parts: Iterable[Money], *, currency: str) -> Money:
    """Sum amounts of one currency; of no parts it is zero in that currency."""
    total = Money.zero(currency)
    for part in parts:
        total += part
    return total
