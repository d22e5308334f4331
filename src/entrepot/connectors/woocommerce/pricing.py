"""How the simulated shop reckons: lines, coupon, shipping, fees and tax of an order.

Part of the simulator. The catalog's prices contain tax or not, as the shop is set up; amounts of an
order never do, and each carries its tax beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from entrepot.connectors.woocommerce.books import Item, Numbers, Sale, ShopOptions, TaxRate
from entrepot.connectors.woocommerce.catalog import line_meta

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """What a customer puts into the cart; `properties` are their own words (engraving, artwork)."""

    sku: str
    quantity: int
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The shipping method that was chosen; `price` is as the shop's prices are."""

    title: str = "Standard"
    method_id: str = "flat_rate"
    instance_id: str = ""
    price: str = "4.90"


class Reckoning:
    """Reckons for one order: its tax rate and the shop's decimals."""

    def __init__(
        self, options: ShopOptions, numbers: Numbers, sale: Sale, *, item_of: Callable[[str], Item]
    ) -> None:
        self._options = options
        self._numbers = numbers
        self._sale = sale
        self._item_of = item_of
        country = sale.shipping.get("country") or sale.billing.get("country", "")
        self.rate: TaxRate | None = options.tax_rates.get(country)

    def add_lines(self, cart: Sequence[CartLine]) -> None:
        """Append lines at the catalog's price, without a discount."""
        for wanted in cart:
            item = self._item_of(wanted.sku)
            net, tax = self._split((item.price or ZERO) * wanted.quantity)
            line_id = self._numbers.take("line")
            pairs = (*item.attributes, *wanted.properties) if item.parent_id else wanted.properties
            self._sale.lines.append(
                {
                    "id": line_id,
                    "name": item.name,
                    "product_id": item.parent_id or item.id,
                    "variation_id": item.id if item.parent_id else 0,
                    "quantity": wanted.quantity,
                    "tax_class": "",
                    "subtotal": self._text(net),
                    "subtotal_tax": self._text(tax),
                    "total": self._text(net),
                    "total_tax": self._text(tax),
                    "taxes": self._taxes(tax, tax),
                    "meta_data": [
                        line_meta(self._numbers, key, value=value) for key, value in pairs
                    ],
                    "sku": item.sku,
                    "global_unique_id": "",
                    "price": _float(net, wanted.quantity),
                    "image": {"id": 0 if item.parent_id else "", "src": ""},
                    "parent_name": item.name.rpartition(" - ")[0] if item.parent_id else None,
                }
            )

    def discount(self, code: str, *, percent: int) -> None:
        """Take a percentage off every line."""
        taken, taken_tax = ZERO, ZERO
        for row in self._sale.lines:
            for name in ("total", "total_tax"):
                before = Decimal(row[f"sub{name}"])
                after = self._rounded(before * (100 - percent) / 100)
                row[name] = self._text(after)
            taken += Decimal(row["subtotal"]) - Decimal(row["total"])
            taken_tax += Decimal(row["subtotal_tax"]) - Decimal(row["total_tax"])
            row["taxes"] = self._taxes(Decimal(row["total_tax"]), Decimal(row["subtotal_tax"]))
            row["price"] = _float(Decimal(row["total"]), row["quantity"])
        info = f'[{self._numbers.take("post")},"{code}","percent",{percent}]'
        self._sale.coupon_lines.append(
            {
                "id": self._numbers.take("line"),
                "code": code,
                "discount": self._text(taken),
                "discount_tax": self._text(taken_tax),
                "meta_data": [line_meta(self._numbers, "coupon_info", value=info)],
                "discount_type": "percent",
                "nominal_amount": percent,
                "free_shipping": False,
            }
        )

    def add_fee(self, name: str, amount: str) -> None:
        """Add a fee; a negative one lowers the total."""
        net, tax = self._split(Decimal(amount))
        self._sale.fee_lines.append(
            {
                "id": self._numbers.take("line"),
                "name": name,
                "tax_class": "",
                "tax_status": "taxable",
                "amount": "",
                "total": self._text(net),
                "total_tax": self._text(tax),
                "taxes": self._taxes(tax, None),
                "meta_data": [],
            }
        )

    def ship(self, delivery: Delivery) -> None:
        """Add the chosen delivery."""
        net, tax = self._split(Decimal(delivery.price))
        self._sale.shipping_lines.append(
            {
                "id": self._numbers.take("line"),
                "method_title": delivery.title,
                "method_id": delivery.method_id,
                "instance_id": delivery.instance_id,
                "total": self._text(net),
                "total_tax": self._text(tax),
                "taxes": self._taxes(tax, None),
                "tax_status": "taxable",
                "meta_data": [],
            }
        )

    def close(self) -> None:
        """Sum the order's taxes up by rate."""
        if self.rate is None:
            return
        sale = self._sale
        line_id = sale.tax_line["id"] if sale.tax_line else self._numbers.take("line")
        percent = self.rate.percent
        sale.tax_line = {
            "id": line_id,
            "rate_code": self.rate.code,
            "rate_id": self.rate.id,
            "label": self.rate.label,
            "compound": False,
            "tax_total": self._text(sale.amount("lines.total_tax", "fee_lines.total_tax")),
            "shipping_tax_total": self._text(sale.amount("shipping_lines.total_tax")),
            "rate_percent": int(percent) if percent == int(percent) else float(percent),
            "meta_data": [],
        }

    def _split(self, listed: Decimal) -> tuple[Decimal, Decimal]:
        """A listed amount -> (without tax, its tax)."""
        if self.rate is None:
            return self._rounded(listed), ZERO
        share = self.rate.percent / 100
        if self._options.prices_include_tax:
            net = self._rounded(listed / (1 + share))
            return net, self._rounded(listed) - net
        return self._rounded(listed), self._rounded(listed * share)

    def _taxes(self, tax: Decimal, before: Decimal | None) -> list[dict[str, Any]]:
        if self.rate is None:
            return []
        subtotal = "" if before is None else self._text(before)
        return [{"id": self.rate.id, "total": self._text(tax), "subtotal": subtotal}]

    def _rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(self._options.quantum, rounding=ROUND_HALF_UP)

    def _text(self, amount: Decimal) -> str:
        return f"{self._rounded(amount):f}"


def _float(amount: Decimal, quantity: int) -> float | int:
    """PHP's number: the API shows the price of one unit as a float, and 0 as an integer."""
    price = float(amount / quantity) if quantity else 0.0
    return price or 0
