"""The simulated shop's life: customers who buy, and people in its back office.

Part of the simulator; without HTTP. Every change stamps the order in whole seconds and queues its
webhooks, as the real shop does.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.connect.simulator import Clock, Delivery, Faults
from entrepot.connectors.woocommerce.answers import NotPossible
from entrepot.connectors.woocommerce.books import (
    Buyer,
    Hook,
    Note,
    Numbers,
    RefundRow,
    Sale,
    ShopOptions,
    secret_word,
)
from entrepot.connectors.woocommerce.catalog import Catalog, line_meta
from entrepot.connectors.woocommerce.hooks import Hooks
from entrepot.connectors.woocommerce.pricing import CartLine, Reckoning
from entrepot.connectors.woocommerce.pricing import Delivery as Shipping
from entrepot.connectors.woocommerce.resources import Renderer

TITLES = {
    "stripe": "Credit card",
    "bacs": "Bank transfer",
    "cheque": "Check payments",
    "cod": "Cash on delivery",
}
REDUCES_STOCK = frozenset({"processing", "completed", "on-hold"})


class Shop:
    """One shop: catalog, orders, webhooks. Orders, products and refunds share one counter."""

    def __init__(
        self,
        clock: Clock,
        options: ShopOptions,
        *,
        faults: Callable[[], Faults],
        send: Callable[[Delivery], None],
    ) -> None:
        """Open a shop; `send` is the simulator's post for webhooks."""
        self.clock = clock
        self.options = options
        self.numbers = Numbers(first=301)
        self.sales: dict[int, Sale] = {}
        self.notes: list[Note] = []
        self.refunds: list[RefundRow] = []
        self.trackings: list[dict[str, str]] = []
        self.render = Renderer(options)
        self._faults = faults
        self.hooks = Hooks(options, faults, show=self._shown, send=send)
        self.catalog = Catalog(self.numbers, self.hooks, self.now)

    def now(self) -> datetime:
        """The site's clock, in whole seconds."""
        return self.clock.now().replace(microsecond=0)

    # --- customers ---------------------------------------------------------------------------

    def place(
        self,
        cart: Sequence[CartLine],
        *,
        buyer: Buyer | None = None,
        payment_method: str = "stripe",
        is_paid: bool | None = None,
        coupon: tuple[str, int] | None = None,
        fees: Sequence[tuple[str, str]] = (),
        shipping: Shipping | None = None,
        note: str = "",
        transaction_id: str = "",
        at: datetime | None = None,
        metas: Sequence[tuple[str, Any]] = (),
    ) -> Sale:
        """A customer orders. Gateways are paid at once unless `is_paid` is False."""
        buyer = buyer or Buyer()
        now = (at or self.now()).replace(microsecond=0)
        number = self.numbers.take("post")
        sale = Sale(
            id=number,
            number=self._number_for(number),
            status="pending",
            currency=self.options.currency,
            prices_include_tax=self.options.prices_include_tax,
            created_at=now,
            modified_at=now,
            order_key=f"wc_order_{secret_word(self.options.site_url, number, length=13)}",
            billing=buyer.billing(),
            shipping=buyer.shipping(),
            payment_method=payment_method,
            payment_title=TITLES.get(payment_method, payment_method),
            customer_id=buyer.customer_id,
            customer_note=note,
            meta=[self._meta(key, value) for key, value in metas],
        )
        reckoning = Reckoning(self.options, self.numbers, sale, item_of=self.catalog.item_of)
        reckoning.add_lines(cart)
        if coupon:
            reckoning.discount(coupon[0], percent=coupon[1])
        for title, amount in fees:
            reckoning.add_fee(title, amount)
        if shipping:
            reckoning.ship(shipping)
        reckoning.close()
        if self._faults().strikes("invisible"):
            wait = timedelta(seconds=self._faults().invisible_seconds)
            sale.hidden_until = self.clock.now() + wait
        self.sales[sale.id] = sale
        self.hooks.fire("order.created", sale.id, now=self.now())
        self._settle(sale, now=now, is_paid=is_paid, transaction_id=transaction_id)
        return sale

    def _settle(
        self, sale: Sale, *, now: datetime, is_paid: bool | None, transaction_id: str
    ) -> None:
        """What the checkout makes of the payment method."""
        method = sale.payment_method
        if sale.total == 0:
            sale.payment_method = sale.payment_title = ""
            self.pay(sale.id, at=now)
        elif method in self.options.gateways and is_paid is not False:
            self.pay(sale.id, transaction_id=transaction_id, at=now)
        elif method == "cod":
            self.set_status(sale.id, "processing", at=now)
        elif method in {"bacs", "cheque"}:
            self.set_status(sale.id, "on-hold", at=now)
        if is_paid and sale.paid_at is None:
            self.pay(sale.id, transaction_id=transaction_id, at=now)

    def pay(self, order_id: int, *, transaction_id: str = "", at: datetime | None = None) -> None:
        """The money is there: the order goes to processing."""
        sale = self.sales[order_id]
        sale.paid_at = at or self.now()
        if sale.total and sale.payment_method in self.options.gateways:
            word = secret_word("payment", sale.order_key, length=24)
            sale.transaction_id = transaction_id or f"pi_{word}"
        self.set_status(order_id, "processing", at=at)

    # --- the back office ---------------------------------------------------------------------

    def set_status(self, order_id: int, status: str, *, at: datetime | None = None) -> None:
        """Change the status, with what the shop does along: dates, stock, webhooks."""
        sale = self.sales[order_id]
        if sale.status == status:
            return
        before, sale.status = sale.status, status
        if status == "completed":
            sale.completed_at = at or self.now()
            sale.paid_at = sale.paid_at or sale.completed_at
        if status in REDUCES_STOCK:
            self.catalog.move_stock(sale, direction=-1)
        elif status in {"cancelled", "pending"}:
            self.catalog.move_stock(sale, direction=1)
        text = f"Order status changed from {before} to {status}."
        sale.notes.append(self._note(text, for_customer=False))
        self.touch(sale, at=at)

    def add_line(self, order_id: int, line: CartLine) -> None:
        """Someone adds a line to an order; the payment stays what it was."""
        sale = self.sales[order_id]
        reckoning = Reckoning(self.options, self.numbers, sale, item_of=self.catalog.item_of)
        reckoning.add_lines([line])
        reckoning.close()
        if sale.status in REDUCES_STOCK:
            self.catalog.move_stock(sale, direction=-1)
        self.touch(sale)

    def change_address(self, order_id: int, **fields: str) -> None:
        """Someone corrects the delivery address."""
        sale = self.sales[order_id]
        sale.shipping = {**sale.shipping, **fields}
        self.touch(sale)

    def refund(
        self,
        order_id: int,
        amount: Decimal,
        *,
        reason: str = "",
        units: Sequence[tuple[int, int]] = (),
        restocks: bool = True,
        through_gateway: bool = False,
        metas: Sequence[tuple[str, Any]] = (),
    ) -> RefundRow:
        """Refund an amount, and say of which (line id, units).

        Raises:
            NotPossible: more than is left, or the gateway cannot.
        """
        sale = self.sales[order_id]
        if not 0 <= amount <= sale.total - sale.refunded:
            raise NotPossible(
                "woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500
            )
        if through_gateway and sale.payment_method not in self.options.gateways:
            raise NotPossible(
                "woocommerce_rest_cannot_create_order_refund",
                "The payment gateway for this order does not support automatic refunds.",
                500,
            )
        row = RefundRow(
            id=self.numbers.take("post"),
            created_at=self.now(),
            amount=amount,
            reason=reason,
            lines=[self._refunded_line(sale, line_id, count) for line_id, count in units],
            meta=[self._meta(key, value) for key, value in metas],
            through_gateway=through_gateway,
        )
        is_full = amount + sale.refunded >= sale.total
        row.meta.insert(0, self._meta("_refund_type", "full" if is_full else "partial"))
        if self._faults().strikes("invisible"):
            wait = timedelta(seconds=self._faults().invisible_seconds)
            row.hidden_until = self.clock.now() + wait
        sale.refunds.append(row)
        self.refunds.append(row)
        if restocks:
            self.catalog.restock(sale, units)
        if is_full:
            sale.status = "refunded"
        self.touch(sale)
        return row

    def trash(self, order_id: int) -> None:
        """Move an order to the trash; the webhook tells only its id."""
        sale = self.sales[order_id]
        sale.before_trash, sale.status = sale.status, "trash"
        sale.modified_at = self.now()
        self.hooks.fire("order.deleted", order_id, now=self.now())

    def restore(self, order_id: int) -> None:
        """Take an order out of the trash."""
        sale = self.sales[order_id]
        sale.status = sale.before_trash
        sale.modified_at = self.now()
        self.hooks.fire("order.restored", order_id, now=self.now())

    def delete(self, order_id: int) -> None:
        """Remove an order for ever."""
        del self.sales[order_id]
        self.hooks.fire("order.deleted", order_id, now=self.now())

    def write_note(self, order_id: int, text: str, *, for_customer: bool) -> Note:
        """Add a note; it does not change the order's modified date."""
        note = self._note(text, for_customer=for_customer)
        if self._faults().strikes("invisible"):
            wait = timedelta(seconds=self._faults().invisible_seconds)
            note.hidden_until = self.clock.now() + wait
        self.sales[order_id].notes.append(note)
        self.notes.append(note)
        return note

    def track(self, sale: Sale, entry: dict[str, str]) -> None:
        """Add an entry of the Shipment Tracking extension, which keeps them in a meta."""
        sale.trackings.append(entry)
        self.trackings.append(entry)
        self.set_meta(sale, "_wc_shipment_tracking_items", list(sale.trackings))
        self.touch(sale)

    def set_meta(self, sale: Sale, key: str, value: Any) -> None:
        """Replace the meta of a key, or add it."""
        for row in sale.meta:
            if row["key"] == key:
                row["value"] = value
                return
        sale.meta.append(self._meta(key, value))

    def touch(self, sale: Sale, *, at: datetime | None = None) -> None:
        """Stamp a change and tell the webhooks."""
        sale.modified_at = at or self.now()
        self.hooks.fire("order.updated", sale.id, now=self.now())

    def register(self, *, name: str, topic: str, url: str, secret: str, status: str) -> Hook:
        """Make a webhook; a ping follows."""
        now = self.now()
        hook = Hook(
            id=self.numbers.take("hook"),
            name=name or f"Webhook created on {now:%b %d, %Y}",
            topic=topic,
            delivery_url=url,
            secret=secret or secret_word("hook", now, url, length=50),
            created_at=now,
            modified_at=now,
            status=status or "active",
        )
        self.hooks.registered[hook.id] = hook
        self.hooks.ping(hook, now=self.clock.now())
        return hook

    # --- within ------------------------------------------------------------------------------

    def _number_for(self, order_id: int) -> str:
        first = self.options.sequential_from
        return str(order_id) if first is None else str(first + len(self.sales))

    def _meta(self, key: str, value: Any) -> dict[str, Any]:
        return {"id": self.numbers.take("meta"), "key": key, "value": value}

    def _note(self, text: str, *, for_customer: bool) -> Note:
        return Note(
            id=self.numbers.take("note"),
            created_at=self.now(),
            text=text,
            for_customer=for_customer,
        )

    def _shown(self, topic: str, resource_id: int) -> Any:
        if topic.startswith("order."):
            sale = self.sales.get(resource_id)
            return self.render.order(sale) if sale else None
        item = self.catalog.items.get(resource_id)
        return self.render.product(item, in_webhook=True) if item else None

    def _refunded_line(self, sale: Sale, line_id: int, count: int) -> dict[str, Any]:
        row = next((line for line in sale.lines if line["id"] == line_id), None)
        if row is None:
            raise NotPossible("woocommerce_rest_invalid_item_id", "Order item ID is invalid.", 400)
        net = Decimal(row["total"]) / row["quantity"] * count
        return {
            **row,
            "id": self.numbers.take("line"),
            "quantity": -count,
            "subtotal": self.render.amount(-net),
            "subtotal_tax": self.render.amount(Decimal(0)),
            "total": self.render.amount(-net),
            "total_tax": self.render.amount(Decimal(0)),
            "taxes": [],
            "meta_data": [line_meta(self.numbers, "_refunded_item_id", value=str(line_id))],
        }
