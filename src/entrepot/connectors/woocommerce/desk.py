"""The routes of the simulated shop: what each call reads and changes.

Part of the simulator. Every route that changes something takes POST, PUT and PATCH alike.
"""

from collections.abc import Callable
from typing import Any

from entrepot.connect.simulator import Request, Response
from entrepot.connectors.woocommerce.answers import (
    NotPossible,
    amount_in,
    is_forced,
    missing,
    number_in,
    object_of,
    refusal,
)
from entrepot.connectors.woocommerce.books import ORDER_STATUSES, Item, RefundRow, Sale
from entrepot.connectors.woocommerce.listing import BadParameter, number_of, paged, select
from entrepot.connectors.woocommerce.resources import API
from entrepot.connectors.woocommerce.webhook_desk import Host, guarded, open_webhook_desk

TRACKING = "/wp-json/wc-shipment-tracking/v3/orders/{order}/shipment-trackings"
CHANGING = ("POST", "PUT", "PATCH")


def open_desk(simulator: Host) -> None:
    """Add every route."""
    open_webhook_desk(simulator)
    desk = _Desk(simulator)
    for path in ("/wp-json", f"{API}/system_status", f"{API}/data/currencies/current"):
        simulator.route("GET", path, guarded(desk.about))
    reads = {
        f"{API}/orders": desk.orders,
        f"{API}/orders/{{order}}": desk.order,
        f"{API}/orders/{{order}}/notes": desk.notes,
        f"{API}/orders/{{order}}/refunds": desk.refunds,
        f"{API}/orders/{{order}}/refunds/{{refund}}": desk.refund,
        f"{API}/products": desk.products,
        f"{API}/products/{{product}}": desk.product,
        f"{API}/products/{{product}}/variations": desk.variations,
        f"{API}/products/{{product}}/variations/{{variation}}": desk.variation,
        TRACKING: desk.trackings,
    }
    for path, handler in reads.items():
        simulator.route("GET", path, guarded(handler))
    changes = {
        f"{API}/orders/batch": desk.batch,
        f"{API}/orders/{{order}}": desk.change_order,
    }
    for path, handler in changes.items():
        for method in CHANGING:
            simulator.route(method, path, guarded(handler))
    simulator.route("POST", f"{API}/orders/{{order}}/notes", guarded(desk.write_note))
    simulator.route("POST", f"{API}/orders/{{order}}/refunds", guarded(desk.make_refund))
    simulator.route("POST", TRACKING, guarded(desk.track))
    simulator.route("DELETE", f"{API}/orders/{{order}}", guarded(desk.delete_order))


class _Desk:
    """Handlers over one simulator; its shop may be set up anew at any time."""

    def __init__(self, simulator: Host) -> None:
        self._simulator = simulator

    # --- the site ----------------------------------------------------------------------------

    def about(self, request: Request) -> Response:
        """The site's own description: WordPress's index, the system status, the currency."""
        options = self._simulator.options
        if request.path.rstrip("/") == "/wp-json":
            hours = options.utc_offset.total_seconds() / 3600
            return Response(
                200,
                {
                    "name": options.name,
                    "description": "",
                    "url": options.site_url,
                    "home": options.site_url,
                    "gmt_offset": f"{hours:g}",
                    "timezone_string": "",
                    "namespaces": ["oembed/1.0", "wc/v3", "wp/v2"],
                },
            )
        if request.path.rstrip("/").endswith("current"):
            return Response(200, {"code": options.currency, "name": options.currency})
        environment = {
            "home_url": options.site_url,
            "site_url": options.site_url,
            "version": options.version,
            "wp_version": options.wordpress_version,
            "wp_multisite": False,
        }
        return Response(
            200, {"environment": environment, "settings": {"currency": options.currency}}
        )

    # --- orders ------------------------------------------------------------------------------

    def orders(self, request: Request) -> Response:
        """GET /orders."""
        shop, now = self._simulator.shop, self._simulator.clock.now()
        statuses = (request.one("status") or "any").split(",")
        known = (*ORDER_STATUSES, *self._simulator.options.custom_statuses, "any", "trash")
        for status in statuses:
            if status not in known:
                listed = ", ".join(known)
                said = f"status[0] is not one of {listed}."
                raise BadParameter("status", said, code="rest_not_in_enum")
        rows = [
            sale
            for sale in shop.sales.values()
            if (sale.status in statuses or ("any" in statuses and sale.status != "trash"))
            and (sale.hidden_until is None or sale.hidden_until <= now)
        ]
        rows = select(request, rows, self._simulator.options)
        return self._page(request, rows, shop.render.order)

    def order(self, request: Request) -> Response:
        """GET /orders/{id}; a trashed one is still shown."""
        return self._show(self._sale(request))

    def change_order(self, request: Request) -> Response:
        """PUT /orders/{id}: status, meta, addresses, note, transaction id."""
        shop, sale, body = self._simulator.shop, self._sale(request), object_of(request)
        status = body.get("status")
        known = (*ORDER_STATUSES, *self._simulator.options.custom_statuses)
        if status is not None and status not in known:
            said = f"status is not one of {', '.join(known)}."
            raise BadParameter("status", said, code="rest_not_in_enum")
        for meta in body.get("meta_data", ()):
            shop.set_meta(sale, meta["key"], meta["value"])
        for name in ("customer_note", "transaction_id"):
            if name in body:
                setattr(sale, name, body[name])
        for name in ("billing", "shipping"):
            if name in body:
                setattr(sale, name, {**getattr(sale, name), **body[name]})
        if status is not None and status != sale.status:
            shop.set_status(sale.id, status)
        elif body:
            shop.touch(sale)
        return self._show(sale)

    def delete_order(self, request: Request) -> Response:
        """DELETE /orders/{id}: to the trash, or with `force` for ever."""
        shop, sale = self._simulator.shop, self._sale(request)
        if is_forced(request):
            answer = self._show(sale)
            shop.delete(sale.id)
            return answer
        if sale.status == "trash":
            said = "The Order has already been deleted."
            return refusal("woocommerce_rest_already_trashed", said, status=410)
        shop.trash(sale.id)
        return self._show(sale)

    def batch(self, request: Request) -> Response:
        """POST /orders/batch; the simulator takes empty ones only."""
        if any(object_of(request).get(name) for name in ("create", "update", "delete")):
            return refusal("rest_not_implemented", "Not part of this simulation.", status=501)
        return Response(200, {})

    def notes(self, request: Request) -> Response:
        """GET /orders/{id}/notes, newest first, never paged."""
        sale, render = self._sale(request), self._simulator.shop.render
        now = self._simulator.clock.now()
        kind = request.one("type") or "any"
        wanted = {"any": (True, False), "customer": (True,), "internal": (False,)}.get(kind, ())
        found = [
            note
            for note in reversed(sale.notes)
            if note.for_customer in wanted
            and (note.hidden_until is None or note.hidden_until <= now)
        ]
        return Response(200, [render.note(sale, note) for note in found])

    def write_note(self, request: Request) -> Response:
        """POST /orders/{id}/notes."""
        sale, body = self._sale(request), object_of(request)
        if not body.get("note"):
            return missing("note")
        shop = self._simulator.shop
        note = shop.write_note(
            sale.id, str(body["note"]), for_customer=bool(body.get("customer_note"))
        )
        return Response(201, shop.render.note(sale, note))

    def refunds(self, request: Request) -> Response:
        """GET /orders/{id}/refunds."""
        sale, now = self._sale(request), self._simulator.clock.now()
        rows = [row for row in sale.refunds if row.hidden_until is None or row.hidden_until <= now]
        render = self._simulator.shop.render
        size = number_of(request, "per_page", 10, low=1, high=100)
        page = number_of(request, "page", 1, low=1, high=None)
        rows = sorted(rows, key=lambda row: row.id, reverse=request.one("order") != "asc")
        shown = [render.refund(sale, row) for row in rows[(page - 1) * size : page * size]]
        headers = {
            "X-WP-Total": str(len(rows)),
            "X-WP-TotalPages": str(-(-len(rows) // size)),
        }
        return Response(200, shown, headers)

    def refund(self, request: Request) -> Response:
        """GET /orders/{id}/refunds/{refund}."""
        sale = self._sale(request)
        row = next((row for row in sale.refunds if str(row.id) == request.match["refund"]), None)
        if row is None:
            return refusal(
                "woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.", status=404
            )
        return Response(200, self._simulator.shop.render.refund(sale, row))

    def make_refund(self, request: Request) -> Response:
        """POST /orders/{id}/refunds. A wrong amount is answered with 500, as in the real shop."""
        shop, body = self._simulator.shop, object_of(request)
        sale = shop.sales.get(number_in(request.match["order"]))
        if sale is None:
            return refusal("woocommerce_rest_invalid_order_id", "Invalid order ID.", status=404)
        row: RefundRow = shop.refund(
            sale.id,
            amount_in(body.get("amount")),
            reason=str(body.get("reason") or ""),
            units=[
                (int(line["id"]), int(line.get("quantity") or 0))
                for line in body.get("line_items") or ()
            ],
            restocks=bool(body.get("api_restock", True)),
            through_gateway=bool(body.get("api_refund", True)),
            metas=[(meta["key"], meta["value"]) for meta in body.get("meta_data") or ()],
        )
        return Response(201, shop.render.refund(sale, row))

    # --- the Shipment Tracking extension -----------------------------------------------------

    def trackings(self, request: Request) -> Response:
        """GET .../shipment-trackings; no route where the plug-in is not installed."""
        if not self._simulator.options.tracking_extension:
            return self._simulator.not_found(request)
        return Response(200, self._sale(request).trackings)

    def track(self, request: Request) -> Response:
        """POST .../shipment-trackings; each call adds an entry."""
        if not self._simulator.options.tracking_extension:
            return self._simulator.not_found(request)
        sale, body = self._sale(request), object_of(request)
        if not body.get("tracking_number"):
            return missing("tracking_number")
        shop = self._simulator.shop
        provider = body.get("custom_tracking_provider") or body.get("tracking_provider") or ""
        entry = {
            "tracking_id": f"{sale.id:x}{len(sale.trackings):04x}".rjust(32, "7"),
            "tracking_provider": provider,
            "tracking_link": body.get("custom_tracking_link") or "",
            "tracking_number": str(body["tracking_number"]),
            "date_shipped": str(body.get("date_shipped") or ""),
        }
        shop.track(sale, entry)
        return Response(201, entry)

    # --- the catalog -------------------------------------------------------------------------

    def products(self, request: Request) -> Response:
        """GET /products; variations are listed below their product."""
        shop = self._simulator.shop
        rows = [item for item in shop.catalog.items.values() if not item.parent_id]
        if sku := request.one("sku"):
            rows = [item for item in shop.catalog.items.values() if item.sku == sku]
        return self._page(request, select(request, rows, shop.options), shop.render.product)

    def product(self, request: Request) -> Response:
        """GET /products/{id}."""
        item = self._item(request, "product")
        return Response(200, self._simulator.shop.render.product(item))

    def variations(self, request: Request) -> Response:
        """GET /products/{id}/variations."""
        shop, parent = self._simulator.shop, self._item(request, "product")
        rows = [shop.catalog.items[number] for number in parent.variations]
        return self._page(request, select(request, rows, shop.options), shop.render.variation)

    def variation(self, request: Request) -> Response:
        """GET /products/{id}/variations/{variation}."""
        item = self._item(request, "variation")
        return Response(200, self._simulator.shop.render.variation(item))

    # --- within ------------------------------------------------------------------------------

    def _show(self, sale: Sale) -> Response:
        return Response(200, self._simulator.shop.render.order(sale))

    def _page(self, request: Request, rows: list[Any], show: Callable[[Any], Any]) -> Response:
        address = f"{self._simulator.options.site_url}{request.path}"
        return paged(request, rows, show, address=address)

    def _sale(self, request: Request) -> Sale:
        sale = self._simulator.shop.sales.get(number_in(request.match["order"]))
        if sale is None:
            raise NotPossible("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
        return sale

    def _item(self, request: Request, name: str) -> Item:
        item = self._simulator.shop.catalog.items.get(number_in(request.match[name]))
        if item is None:
            raise NotPossible(f"woocommerce_rest_{name}_invalid_id", "Invalid ID.", 404)
        return item
