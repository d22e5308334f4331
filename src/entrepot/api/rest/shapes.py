"""Shapes that several resources share. Amounts are decimal text in major units, never floats."""

from decimal import Decimal
from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field

from entrepot.canon.money import Money, exponent_of, parse_amount
from entrepot.canon.places import Address
from entrepot.intake.given import Amount, Currency, Reason
from entrepot.intake.new_orders import NewAddress

Units = Annotated[int, Field(ge=1, le=1_000_000)]


class Body(Schema):
    """What a request carries: a name that nobody knows is refused, since somebody meant it."""

    model_config = ConfigDict(extra="forbid")


class MoneyShape(Body):
    """An amount in major units with its ISO 4217 currency: `{"amount": "49.90", ...}`."""

    amount: Amount
    currency: Currency

    @classmethod
    def of(cls, amount: Decimal | Money, currency: str = "") -> "MoneyShape":
        """Written with the currency's own decimals, and more where the amount has more."""
        if isinstance(amount, Money):
            return cls.of(amount.amount, amount.currency)
        return cls.model_construct(amount=amount_text(amount, currency), currency=currency)

    @classmethod
    def maybe(cls, amount: Decimal | None, currency: str) -> "MoneyShape | None":
        """The same, None where there is no amount."""
        return None if amount is None else cls.of(amount, currency)

    def value(self) -> Money:
        """As the rest of the hub has it.

        Raises:
            NotMoney: it has more decimals than its currency.
        """
        money = Money(parse_amount(self.amount), self.currency)
        assert isinstance(money.minor, int)
        return money


def amount_text(amount: Decimal, currency: str) -> str:
    """1200 JPY, 49.90 EUR, 3.250 KWD; never rounded."""
    places = exponent_of(currency)
    plain = amount.normalize()
    shown = max(places, -int(plain.as_tuple().exponent))
    return f"{plain:.{shown}f}"


class AddressShape(NewAddress, Body):
    """A postal address as it was typed. `country` is ISO 3166-1 alpha-2."""

    @classmethod
    def of(cls, address: Address) -> "AddressShape":
        """From the canonical form."""
        return cls.model_construct(**{name: getattr(address, name) for name in cls.model_fields})

    def value(self) -> Address:
        """As the rest of the hub has it."""
        return Address(**self.model_dump())


class Because(Body):
    """Why somebody wants it; kept in the journal."""

    reason: Reason


class Done(Schema):
    """How many things were changed; what was decided before, or is not the caller's, is not."""

    changed: int
