"""What an order is that no storefront tells: its parts, each with what it may be."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from entrepot.intake.given import Amount, Currency, Moment, Text, Word

MOST_LINES = 500


class Given(BaseModel):
    """What somebody writes down; a name that nobody knows is refused, since somebody meant it."""

    model_config = ConfigDict(extra="forbid")


class NewCustomer(Given):
    """Who bought. `language` is a BCP 47 tag; mails are written in it."""

    email: Annotated[Word, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    name: Word = ""
    phone: Word = ""
    company: Word = ""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$")] = ""


class NewAddress(Given):
    """A postal address as it was typed. `country` is ISO 3166-1 alpha-2."""

    name: Word = ""
    company: Word = ""
    line1: Word = ""
    line2: Word = ""
    city: Word = ""
    region: Word = ""
    postal_code: Word = ""
    country: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""
    phone: Word = ""


class NewShipping(Given):
    """What the customer chose and pays; `method` is mapped to each provider's word."""

    method: Word = ""
    title: Word = ""
    price: Amount = "0"


class NewLine(Given):
    """A line; without `total` it is the unit price times the quantity."""

    sku: Annotated[Word, Field(min_length=1)]
    title: Word
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    unit_price: Amount
    external_id: Word = ""
    total: Amount | None = None
    is_shippable: bool | None = None
    weight_g: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    image_url: Word = ""
    properties: Annotated[dict[Word, Text], Field(max_length=50)] = {}


class NewFee(Given):
    """An amount beside goods and shipping; may be negative."""

    title: Word
    amount: Amount


class NewTax(Given):
    """A tax of the whole order, never recomputed. `rate` is a fraction of one."""

    name: Word
    amount: Amount
    rate: Annotated[str, Field(pattern=r"^[0-9](\.[0-9]{1,6})?$")] | None = None
    is_included: bool = True


class NewOrder(Given):
    """An order that no storefront tells.

    `external_id` is the caller's own name for it, and its identity for ever: the same one again
    changes the order, and a line that is left out is cancelled. Without `total` the parts make it.
    """

    external_id: Annotated[Word, Field(min_length=1, max_length=120)]
    number: Annotated[Word, Field(max_length=120)] = ""
    currency: Currency
    placed_at: Moment | None = None
    state: Literal["awaiting", "on_hold", "processing", "completed", "cancelled"] = "processing"
    payment: Literal["paid", "unpaid", "on_terms", "not_required"]
    paid_at: Moment | None = None
    transaction_id: Word = ""
    payment_title: Word = ""
    customer: NewCustomer = NewCustomer()
    shipping_address: NewAddress
    billing_address: NewAddress = NewAddress()
    shipping: NewShipping = NewShipping()
    lines: Annotated[list[NewLine], Field(min_length=1, max_length=MOST_LINES)]
    fees: Annotated[list[NewFee], Field(max_length=50)] = []
    taxes: Annotated[list[NewTax], Field(max_length=50)] = []
    prices_include_tax: bool = True
    total: Amount | None = None
    note: Text = ""
    channel: Word = ""
