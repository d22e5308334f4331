"""Stripe's integers <-> money: the smallest unit of a currency, as Stripe counts it.

Source: docs.stripe.com/currencies, "Zero-decimal", "Three-decimal" and "Special cases", and
support.stripe.com "Deprecation of fractional ISK charges and refunds", read 2026-11. It differs
from ISO 4217 where the tables below say so.
"""

from decimal import Decimal

from entrepot.canon.money import Money, NotMoney, checked_currency

ZERO_DECIMAL = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW",
        "MGA",  # two decimals in ISO 4217
        "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
    }
)  # fmt: skip
# The last digit must be 0: the payment partners know only two of the three decimals.
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# Two decimals on the wire, which must be 00; none in ISO 4217.
WHOLE_IN_HUNDREDTHS = frozenset({"ISK"})
# Listed by Stripe's own pages both as zero-decimal and as counted in hundredths: a hundredfold
# error is refused rather than risked.
UNSETTLED = frozenset({"UGX"})
# Stripe takes amounts of up to twelve digits; longer ones are no amounts.
TOO_LARGE = 10**15


def exponent(currency: str) -> int:
    """How many decimals Stripe's integers have for an upper-case ISO 4217 code.

    Raises:
        NotMoney: Stripe's pages contradict each other about this currency.
    """
    if currency in UNSETTLED:
        raise NotMoney(f"{currency}: it is not settled how Stripe counts it, so no amount is read")
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_money(units: int, currency: str) -> Money:
    """Read Stripe's integer: (1999, "eur") -> 19.99 EUR, (500, "jpy") -> 500 JPY.

    Raises:
        NotMoney: the currency is no code, or unsettled; the integer is no amount.
    """
    code = checked_currency(currency)
    if abs(units) >= TOO_LARGE:
        raise NotMoney("more digits than an amount has")
    amount = Decimal(units).scaleb(-exponent(code))
    rounded = Money(amount, code).rounded()
    # A fraction that ISO does not know (an old ISK charge) is kept as it is.
    return rounded if rounded.amount == amount else Money(amount, code)


def to_units(money: Money) -> int:
    """Write Stripe's integer; the amount must be one that Stripe can take.

    Raises:
        NotMoney: more decimals than the currency has at Stripe, or digits that it wants to be 0.
    """
    scaled = money.amount.scaleb(exponent(money.currency))
    if scaled != scaled.to_integral_value():
        raise NotMoney(f"{money} has more decimals than Stripe takes for {money.currency}")
    units = int(scaled)
    step = step_of(money.currency)
    if units % step:
        smallest = Decimal(step).scaleb(-exponent(money.currency))
        raise NotMoney(f"{money}: Stripe takes {money.currency} only in steps of {smallest}")
    return units


def step_of(currency: str) -> int:
    """The step in which Stripe's integers of that currency may move: 1, 10 or 100."""
    if currency in THREE_DECIMAL:
        return 10
    if currency in WHOLE_IN_HUNDREDTHS:
        return 100
    return 1
