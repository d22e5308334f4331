"""A WooCommerce shop, offline: REST API v3, its webhooks, two plug-ins and a firewall's temper.

Recorded from WooCommerce 11.0.1 (2026-11): resources, error answers, page headers, webhooks. From
the documentation: authentication, validation, status words. See README.md for what is left out.

For the sandbox, as the world outside (each returns at once; webhooks follow with the clock):

- `stock_shelves()`: a small catalog (prints with variations, a mug, a download), SKUs in CATALOG.
- `customer_orders(*lines, ...)` -> order id; lines are (sku, quantity) or CartLine. Options: buyer,
  country, payment_method ("stripe" pays at once, "bacs"/"cheque" wait, "cod" pays late), is_paid,
  coupon (code, percent), fees, shipping, note, transaction_id, metas.
- `pay`, `fail_payment`, `add_line`, `change_address`, `complete_by_hand`, `cancel`, `set_status`,
  `refund`, `trash`, `restore`, `delete` act on an order id.
- `place_history(count)`: past orders, fast and without webhooks.
- `shop.catalog.add_product(sku, name, price)` (say, one that nobody mapped) and
  `change_product(sku, price=..., stock=...)`; `revoke_key()`, `make_key_read_only()`.
- `order_books()`: what the shop would swear to of each order.
- `faults.waf`: a firewall answers 403 with a web page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.canon.payments import RefundRequest
from entrepot.connect.ports import Account, Secrets, WriteBack, WrittenParcel
from entrepot.connect.simulator import Clock, Faults, Receive, Request, Response, Send, Simulator
from entrepot.connect.webhook import WebhookRequest
from entrepot.connectors.woocommerce import desk
from entrepot.connectors.woocommerce.answers import refusal
from entrepot.connectors.woocommerce.books import Buyer, ShopOptions
from entrepot.connectors.woocommerce.gate import Gate
from entrepot.connectors.woocommerce.pricing import CartLine, Delivery
from entrepot.connectors.woocommerce.shop import Shop

PRINT_A3, PRINT_A2, MUG, GUIDE = "MOEWE-A3", "MOEWE-A2", "MUG-11OZ", "GIFT-GUIDE-PDF"
CATALOG = (PRINT_A3, PRINT_A2, MUG, GUIDE)
FIREWALL_PAGE = (
    b"<!DOCTYPE html><html><head><title>403 Forbidden</title></head><body><center>"
    b"<h1>Access denied</h1>Blocked by a firewall. Ray ID: 8f2c</center></body></html>"
)
CHANGES = frozenset({"PUT", "PATCH", "DELETE"})
Line = CartLine | tuple[str, int]


@dataclass(slots=True)
class ShopFaults(Faults):
    """The kit's dials, and `waf`: a firewall before the shop answers 403 with a web page."""

    waf: float = 0.0


class WooCommerce(Simulator):
    """One shop."""

    code = "woocommerce"

    def __init__(self, clock: Clock, options: ShopOptions | None = None) -> None:
        super().__init__(clock)
        self.faults: ShopFaults = ShopFaults()
        self.mount = ""
        self.scheme = "http"
        self.configure(options or ShopOptions())
        desk.open_desk(self)

    def configure(self, options: ShopOptions) -> None:
        """Set the shop up anew, with empty books."""
        self.options = options
        self.gate = Gate(options)
        self.shop = Shop(self.clock, options, faults=lambda: self.faults, send=self.send_webhook)
        self.books = {
            "orders": self.shop.sales,
            "products": self.shop.catalog.items,
            "refunds": self.shop.refunds,
            "notes": self.shop.notes,
            "trackings": self.shop.trackings,
            "webhooks": self.shop.hooks.registered,
        }

    # --- the wire ----------------------------------------------------------------------------

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve HTTP, knowing where the shop is mounted: OAuth signs whole addresses."""
        if scope["type"] == "http":
            self.mount = scope.get("root_path", "")
            self.scheme = scope.get("scheme", "http")
        await super().__call__(scope, receive, send)

    def handle(self, request: Request) -> Response | None:
        """Answer one call in the shop's manner: its clock in the Date header, `_method` obeyed."""
        asked = request.one("_method").upper()
        if request.method == "POST" and asked in CHANGES:
            request = Request(
                method=asked,
                path=request.path,
                query=request.query,
                headers={**request.headers, "x-sent-as": "POST"},
                body=request.body,
                match=request.match,
            )
        answer = super().handle(request)
        if answer is None:
            return None
        date = format_datetime(self.clock.now().astimezone(UTC), usegmt=True)
        is_bytes = isinstance(answer.body, bytes)
        kind = {} if is_bytes else {"Content-Type": "application/json; charset=UTF-8"}
        return Response(answer.status, answer.body, {"Date": date, **kind, **answer.headers})

    def authenticate(self, request: Request) -> Response | None:
        """First the firewall, then the key, as in a real shop."""
        if self.faults.strikes("waf"):
            return Response(403, FIREWALL_PAGE, {"Content-Type": "text/html"})
        sent_as = request.headers.get("x-sent-as", request.method)
        if self.options.refuses_put and sent_as in CHANGES:
            page = b"<html><head><title>501 Method Not Implemented</title></head></html>"
            return Response(501, page, {"Content-Type": "text/html"})
        host = request.headers.get("host", "")
        return self.gate.check(request, address=f"{self.scheme}://{host}{self.mount}")

    def not_found(self, request: Request) -> Response:
        """WordPress's words for a route that no plug-in has."""
        said = "No route was found matching the URL and request method."
        return refusal("rest_no_route", said, status=404)

    def too_many(self) -> Response:
        """A host's own answer: WooCommerce has no limit."""
        page = b"<html><head><title>429 Too Many Requests</title></head></html>"
        return Response(429, page, {"Content-Type": "text/html", **self.pause(2)})

    def broken(self) -> Response:
        """WordPress after a fatal error of some plug-in."""
        said = "<p>There has been a critical error on this website.</p>"
        return refusal("internal_server_error", said, status=500)

    def tick(self) -> None:
        """Run the queue of webhooks, which WordPress does by its cron."""
        self.shop.hooks.run(self.clock.now())

    def due_deliveries(self) -> list[Any]:
        """What is due now, with the queue run first."""
        self.tick()
        return super().due_deliveries()

    # --- customers ---------------------------------------------------------------------------

    def stock_shelves(self) -> None:
        """List a small catalog; the SKUs are in CATALOG."""
        shelves = self.shop.catalog
        shelves.add_variable_product(
            "Kunstdruck „Möwe“",
            "Größe",
            [("A3", PRINT_A3, "29.90", 4000), ("A2", PRINT_A2, "49.90", 1500)],
        )
        shelves.add_product(MUG, "Mug 11oz 🐦", "14.50", stock=6000, weight="0.35")
        shelves.add_product(GUIDE, "Gift wrap guide (PDF)", "3.00", is_virtual=True)

    def customer_orders(
        self,
        *lines: Line,
        buyer: Buyer | None = None,
        country: str = "",
        payment_method: str = "stripe",
        is_paid: bool | None = None,
        coupon: tuple[str, int] | None = None,
        fees: Sequence[tuple[str, str]] = (),
        shipping: Delivery | None = Delivery(),  # noqa: B008 -- frozen
        note: str = "",
        transaction_id: str = "",
        metas: Sequence[tuple[str, Any]] = (),
    ) -> int:
        """A customer orders in the shop's currency; the order's id."""
        buyer = buyer or Buyer()
        buyer = replace(buyer, country=country) if country else buyer
        sale = self.shop.place(
            [_cart_line(line) for line in lines],
            buyer=buyer,
            payment_method=payment_method,
            is_paid=is_paid,
            coupon=coupon,
            fees=fees,
            shipping=shipping,
            note=note,
            transaction_id=transaction_id,
            metas=metas,
        )
        return sale.id

    def pay(self, order_id: int, *, transaction_id: str = "") -> None:
        """A delayed payment arrives."""
        self.shop.pay(order_id, transaction_id=transaction_id)

    def fail_payment(self, order_id: int) -> None:
        """A card is declined."""
        self.shop.set_status(order_id, "failed")

    # --- the back office ---------------------------------------------------------------------

    def add_line(self, order_id: int, sku: str, quantity: int) -> None:
        """Someone adds a line to an order."""
        self.shop.add_line(order_id, CartLine(sku=sku, quantity=quantity))

    def change_address(self, order_id: int, **fields: str) -> None:
        """Someone corrects the delivery address (`city="Zürich"`)."""
        self.shop.change_address(order_id, **fields)

    def complete_by_hand(self, order_id: int) -> None:
        """Someone in the shop marks the order as completed."""
        self.shop.set_status(order_id, "completed")

    def cancel(self, order_id: int) -> None:
        """Someone cancels the order."""
        self.shop.set_status(order_id, "cancelled")

    def set_status(self, order_id: int, status: str) -> None:
        """Any status, also a plug-in's own."""
        self.shop.set_status(order_id, status)

    def refund(
        self,
        order_id: int,
        amount: str | None = None,
        *,
        units: Sequence[tuple[int, int]] = (),
        reason: str = "",
    ) -> int:
        """Refund an amount (all that is left by default), of (line id, units); the refund's id."""
        sale = self.shop.sales[order_id]
        left = sale.total - sale.refunded
        value = left if amount is None else Decimal(amount)
        return self.shop.refund(order_id, value, reason=reason, units=units).id

    def trash(self, order_id: int) -> None:
        """Move the order to the trash."""
        self.shop.trash(order_id)

    def restore(self, order_id: int) -> None:
        """Take the order out of the trash."""
        self.shop.restore(order_id)

    def delete(self, order_id: int) -> None:
        """Remove the order for ever."""
        self.shop.delete(order_id)

    def revoke_key(self) -> None:
        """Someone deletes the hub's API key."""
        self.options.consumer_key = f"{self.options.consumer_key[:-4]}dead"

    def make_key_read_only(self) -> None:
        """Someone takes the right to write from the hub's API key."""
        self.options.permissions = "read"

    def place_history(self, count: int, *, days: int = 365) -> None:
        """Past orders, paid and mostly completed, evenly spread up to now; no webhook tells."""
        self.shop.hooks.is_silent = True
        step = timedelta(days=days) / max(count, 1)
        start = self.shop.now() - timedelta(days=days)
        skus = CATALOG[:3]
        for index in range(count):
            at = start + step * index
            cart = [
                CartLine(sku=skus[index % 3], quantity=1 + index % 4),
                CartLine(sku=skus[(index + 1) % 3], quantity=2),
            ]
            sale = self.shop.place(cart, at=at, shipping=Delivery())
            if index % 10:
                self.shop.set_status(sale.id, "completed", at=at.replace(microsecond=0))
        self.shop.hooks.is_silent = False

    # --- what it would swear to --------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """Counts of the books, and of orders by status."""
        sales = list(self.shop.sales.values())
        statuses = sorted({sale.status for sale in sales})
        return {
            **super().summary(),
            "orders_by_status": {
                status: sum(sale.status == status for sale in sales) for status in statuses
            },
        }

    def order_books(self) -> list[dict[str, Any]]:
        """Each order: number, status, money, units by SKU, and all that was written to it.

        `notes` are people's and ours, without
        the shop's own notes on status changes.
        """
        return [sale.sworn() for sale in self.shop.sales.values()]


def _cart_line(line: Line) -> CartLine:
    return line if isinstance(line, CartLine) else CartLine(sku=line[0], quantity=line[1])


def build(clock: Clock, options: ShopOptions | None = None) -> WooCommerce:
    """One shop with empty shelves; call `stock_shelves` for goods."""
    return WooCommerce(clock, options)


def example_account(base_url: str) -> Account:
    """An account that a shop with `ShopOptions()` lets in."""
    options = ShopOptions()
    return Account(
        mode=Mode.TEST,
        settings={
            "base_url": base_url,
            "consumer_key": options.consumer_key,
            "consumer_secret": options.consumer_secret,
        },
        identity="",
    )


def example_secrets() -> Secrets:
    """Secrets that webhooks of such a shop are signed with."""
    return Secrets(signing=("hush-möwe",), path_token="")


def example_webhook(secrets: Secrets, *, at: datetime) -> WebhookRequest:
    """An order.updated as it would arrive at a connection with these secrets."""
    simulator = build(Clock(speed=0.0, start=at))
    simulator.stock_shelves()
    url = "https://hub.example/hooks/7"
    simulator.shop.register(
        name="", topic="order.updated", url=url, secret=secrets.signing[0], status="active"
    )
    simulator.due_deliveries()
    simulator.customer_orders((PRINT_A3, 2), (MUG, 3))
    simulator.clock.advance(timedelta(minutes=1))
    delivery = simulator.due_deliveries()[0]
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    return WebhookRequest(body=delivery.body, headers=headers)


def example_happenings(simulator: WooCommerce) -> None:
    """A catalog, and five orders: paid, waiting, partly refunded, completed and cancelled."""
    simulator.stock_shelves()
    orders = [simulator.customer_orders((PRINT_A3, 2), (MUG, 1 + n)) for n in range(4)]
    simulator.customer_orders((MUG, 3), payment_method="bacs")
    line_id = simulator.shop.sales[orders[1]].lines[0]["id"]
    simulator.refund(orders[1], "29.90", units=[(line_id, 1)], reason="Verknickt")
    simulator.complete_by_hand(orders[2])
    simulator.cancel(orders[3])


def example_news(simulator: WooCommerce, reference: str) -> WriteBack:
    """A parcel with all units of a fresh order, which it completes."""
    simulator.stock_shelves()
    order_id = simulator.customer_orders((PRINT_A3, 2), (MUG, 3))
    lines = simulator.shop.sales[order_id].lines
    parcel = WrittenParcel(
        reference=f"{reference}-p1",
        carrier="DHL",
        service="Express",
        tracking_number="00340434161094000001",
        tracking_url="https://track.example/00340434161094000001",
        shipped_at=simulator.clock.now(),
        items=tuple((str(line["id"]), line["quantity"]) for line in lines),
    )
    return WriteBack(
        reference=reference,
        order_external_id=str(order_id),
        parcels=(parcel,),
        completes_order=True,
    )


def example_refund(simulator: WooCommerce, reference: str) -> RefundRequest:
    """Part of a fresh order's money."""
    simulator.stock_shelves()
    order_id = simulator.customer_orders((PRINT_A3, 2), (MUG, 3))
    return RefundRequest(
        reference=reference,
        idempotency_key=f"key-of-{reference}",
        payment_external_id=f"order:{order_id}",
        order_external_id=str(order_id),
        amount=Money.of("14.50", simulator.options.currency),
        reason="Verknickt",
    )
