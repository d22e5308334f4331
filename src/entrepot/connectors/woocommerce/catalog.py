"""The simulated shop's catalog and its stock.

Part of the simulator. Stock is taken once per line, as the line's `_reduced_stock` remembers, and
each change of it sends product.updated (seen in WooCommerce 11.0.1, 2026-11).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from entrepot.connectors.woocommerce.books import Item, Numbers, Sale
from entrepot.connectors.woocommerce.hooks import Hooks


def line_meta(numbers: Numbers, key: str, *, value: str) -> dict[str, Any]:
    """A line's meta as the API shows it."""
    return {
        "id": numbers.take("meta"),
        "key": key,
        "value": value,
        "display_key": key,
        "display_value": value,
    }


class Catalog:
    """Products and variations by id and by SKU."""

    def __init__(self, numbers: Numbers, hooks: Hooks, now: Callable[[], datetime]) -> None:
        self.items: dict[int, Item] = {}
        self._by_sku: dict[str, int] = {}
        self._numbers = numbers
        self._hooks = hooks
        self._now = now

    def add_product(
        self,
        sku: str,
        name: str,
        price: str,
        *,
        stock: int | None = None,
        is_virtual: bool = False,
        weight: str = "",
    ) -> int:
        """List a simple product; its id."""
        item = self._new_item(name=name, sku=sku, price=Decimal(price))
        item.stock, item.virtual, item.weight = stock, is_virtual, weight
        item.downloadable = is_virtual
        self._hooks.fire("product.created", item.id, now=self._now())
        return item.id

    def add_variable_product(
        self, name: str, attribute: str, variations: Sequence[tuple[str, str, str, int | None]]
    ) -> int:
        """List a product with variations of (option, SKU, price, stock); the parent's id."""
        parent = self._new_item(name=name, sku="", price=Decimal(variations[0][2]))
        parent.type = "variable"
        parent.attributes = ((attribute, "|".join(option for option, *_ in variations)),)
        for option, sku, price, stock in variations:
            item = self._new_item(name=f"{name} - {option}", sku=sku, price=Decimal(price))
            item.type, item.parent_id, item.stock = "variation", parent.id, stock
            item.attributes = ((attribute, option),)
            parent.variations.append(item.id)
        self._hooks.fire("product.created", parent.id, now=self._now())
        return parent.id

    def change_product(
        self, sku: str, *, price: str | None = None, stock: int | None = None
    ) -> None:
        """Someone in the shop sets a price or a stock."""
        item = self.item_of(sku)
        if price is not None:
            item.price = Decimal(price)
        if stock is not None:
            item.stock = stock
        self._touch(item)

    def item_of(self, sku: str) -> Item:
        """The product or variation of a SKU, or KeyError."""
        return self.items[self._by_sku[sku]]

    def _new_item(self, *, name: str, sku: str, price: Decimal) -> Item:
        now = self._now()
        number = self._numbers.take("post")
        item = Item(id=number, name=name, sku=sku, price=price, created_at=now, modified_at=now)
        self.items[number] = item
        if sku:
            self._by_sku[sku] = number
        return item

    def move_stock(self, sale: Sale, *, direction: int) -> None:
        """Take stock once per line, as `_reduced_stock` on it remembers, or put it back."""
        for row in sale.lines:
            item = self.items.get(row["variation_id"] or row["product_id"])
            mark = next((m for m in row["meta_data"] if m["key"] == "_reduced_stock"), None)
            if item is None or item.stock is None or (mark is not None) == (direction < 0):
                continue
            if mark is None:
                units = row["quantity"]
                row["meta_data"].append(
                    line_meta(self._numbers, "_reduced_stock", value=str(units))
                )
                item.total_sales += units
            else:
                units = int(mark["value"])
                row["meta_data"].remove(mark)
            item.stock += direction * units
            self._touch(item)

    def restock(self, sale: Sale, units: Sequence[tuple[int, int]]) -> None:
        for line_id, count in units:
            row = next(line for line in sale.lines if line["id"] == line_id)
            item = self.items.get(row["variation_id"] or row["product_id"])
            if item is not None and item.stock is not None:
                item.stock += count
                self._touch(item)

    def _touch(self, item: Item) -> None:
        item.modified_at = self._now()
        self._hooks.fire("product.updated", item.id, now=self._now())
