"""Sums of money by currency, listed and never added across currencies."""

from collections.abc import Iterable
from decimal import Decimal

from entrepot.canon.money import Money


def listed_sums(rows: Iterable[tuple[str, Decimal]]) -> list[Money]:
    """Sum amounts per currency, the currencies in alphabetical order; zeros are left out."""
    sums: dict[str, Decimal] = {}
    for currency, amount in rows:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return [Money(sums[currency], currency) for currency in sorted(sums) if sums[currency]]
