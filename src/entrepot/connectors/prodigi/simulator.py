"""Prodigi, offline: the wire of the Print API v4.0 over a simulated print house.

For scenarios (the world outside acts by these):

    simulator.dials                      how fast production goes, pause window, payment demanded
    simulator.can_download = f           judges asset URLs; by default those with "missing" fail
    simulator.callback_url = url         the account's own callback address, besides each order's
    simulator.pause_new_orders(minutes)  the pause window of the orders to come
    simulator.release(order_id)          end its pause window now
    simulator.be_busy(minutes)           how long orders wait for a lab
    simulator.authorise_payment(order_id)
    simulator.make_unavailable(sku), simulator.restock(sku)
    simulator.mend_assets(order_id)      the missing files are there now
    simulator.finish(order_id)           every lab ships at once
    simulator.cancel_at_lab(order_id, index)   a lab drops its shipment; the rest goes on
    simulator.void_label(order_id, index)      a parcel that left did not; it goes again
    simulator.add_key(key, environment), simulator.revoke(key)

`books["orders"]` holds what was ordered; `books["tracking"]` each number that was handed out, with
carrier, order, shipment and when it left, so that a carrier can be told. Calls and `tick()` let
the time pass. SKUs that end with -GONE are never available.
"""

from datetime import datetime
from typing import Any

import msgspec

from entrepot.canon.fulfillment import FulfillmentRequest, RequestedAsset, RequestedItem
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.canon.places import Address
from entrepot.connect.ports import Account, Secrets
from entrepot.connect.simulator import Clock, Request, Response
from entrepot.connect.webhook import WebhookRequest
from entrepot.connectors.prodigi import asking, catalog, validation, wire
from entrepot.connectors.prodigi.books import Order, Phase, charge, reroute
from entrepot.connectors.prodigi.house import SANDBOX_KEY, PrintHouse, method_of


def build(clock: Clock) -> "ProdigiSimulator":
    """A print house with empty books, a sandbox key and a live key."""
    return ProdigiSimulator(clock)


class ProdigiSimulator(PrintHouse):
    """See the module's docstring."""

    code = "prodigi"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._by_key: dict[tuple[str, str], str] = {}
        # Paths are taken in any case, as the reference writes them both ways.
        orders, one, actions = "/(?i:v4.0/orders)", "/{id}", "/(?i:actions)"
        self.route("POST", orders, self._create)
        self.route("GET", orders, self._list)
        self.route("GET", orders + one, self._get)
        self.route("GET", orders + one + actions, self._actions)
        for name, handler in (
            ("cancel", self._cancel),
            ("updateRecipient", self._update_recipient),
            ("updateShippingMethod", self._update_shipping),
            ("updateMetadata", self._update_metadata),
        ):
            self.route("POST", f"{orders}{one}{actions}/(?i:{name})", handler)
        self.route("POST", "/(?i:v4.0/quotes)", self._quote)
        self.route("GET", "/(?i:v4.0/products)/{sku}", self._product)

    def handle(self, request: Request) -> Response | None:
        """Let time pass, then answer."""
        self.tick()
        answer = super().handle(request)
        if answer is None or not isinstance(answer.body, dict):
            return answer
        trace = f"00-{self.next_number('trace'):032x}-{1:016x}-00"
        body = (
            answer.body if "traceParent" in answer.body else {**answer.body, "traceParent": trace}
        )
        return Response(answer.status, body, {**answer.headers, "traceParent": trace})

    def authenticate(self, request: Request) -> Response | None:
        """401 without a key that is known."""
        if request.headers.get("x-api-key", "") in self.keys:
            return None
        return Response(401, {"outcome": "NotAuthenticated"})

    def not_found(self, request: Request) -> Response:
        """An unknown path, or a known one with another method."""
        if any(pattern.match(request.path) for _, pattern, _ in self._routes):
            return Response(405, {"outcome": "MethodNotAllowed"})
        return Response(404, {"outcome": "EndpointDoesNotExist"})

    def too_many(self) -> Response:
        """Not documented; in the shape of the other generic errors."""
        body = {"statusText": "Too many requests", "statusCode": 429, "data": {}}
        return Response(429, body, self.pause(7))

    def broken(self) -> Response:
        """The documented outcome of an unexpected failure."""
        return Response(500, {"outcome": "InternalServerError"})

    def _create(self, request: Request) -> Response:
        body, refusal = self._object(request)
        if refusal is not None:
            return refusal
        environment = self._environment(request)
        known = self._by_key.get((environment, str(body.get("idempotencyKey") or "")))
        if known:
            return self._answer("AlreadyExists", self.orders[known])
        if failures := validation.failures_of_order(body):
            return Response(400, {"outcome": "ValidationFailed", "failures": failures})
        order = self.book(body, environment=environment)
        if order.key:
            self._by_key[environment, order.key] = order.id
        if order.phase is Phase.PAUSED:
            return Response(200, {"outcome": "OnHold", "order": {"id": order.id}})
        has_issues = bool(self.shown(order)["status"]["issues"])
        return self._answer("CreatedWithIssues" if has_issues else "Created", order)

    def _list(self, request: Request) -> Response:
        query = {name.lower(): values for name, values in request.query.items()}
        try:
            top, skip = int(query.get("top", ["10"])[0]), int(query.get("skip", ["0"])[0])
            since, until = (wire.read(query.get(name)) for name in ("createdfrom", "createdto"))
        except ValueError:
            return _invalid("top", "MustBeAValidValue")
        if not 1 <= top <= 100 or skip < 0:
            return _invalid("top", "MustBeBetween1And100")
        status = query.get("status", [""])[0].lower()
        if status and status not in wire.STATUS_FILTERS:
            return _invalid("status", "MustBeAValidValue")
        environment = self._environment(request)
        found = [
            order
            for order in reversed(self.orders.values())
            if order.environment == environment
            and self._is_visible(order)
            and (since is None or order.created_at >= since)
            and (until is None or order.created_at <= until)
            and (not status or wire.STATUS_FILTERS[status](order))
            and ("orderids" not in query or order.id in query["orderids"])
            and (
                "merchantreferences" not in query or order.reference in query["merchantreferences"]
            )
        ]
        page = found[skip : skip + top]
        has_more = len(found) > skip + top
        host = wire.HOSTS[environment]
        return Response(
            200,
            {
                "outcome": "Ok",
                "orders": [self.shown(order) for order in page],
                "hasMore": has_more,
                "nextUrl": f"{host}/v4.0/Orders?Top={top}&Skip={skip + top}" if has_more else None,
            },
        )

    def _get(self, request: Request) -> Response:
        order = self._find_order(request)
        return order if isinstance(order, Response) else self._answer("Ok", order)

    def _actions(self, request: Request) -> Response:
        order = self._find_order(request)
        if isinstance(order, Response):
            return order
        word = {"isAvailable": "Yes" if self._is_changeable(order) else "No"}
        names = ("cancel", "changeRecipientDetails", "changeShippingMethod")
        return Response(
            200,
            {
                "outcome": "Ok",
                **dict.fromkeys(names, word),
                "changeMetaData": {"isAvailable": "Yes"},
            },
        )

    def _cancel(self, request: Request) -> Response:
        order = self._find_order(request)
        if isinstance(order, Response):
            return order
        now = self.clock.now()
        if order.phase in {Phase.CANCELLED, Phase.COMPLETE}:
            return self._answer("ActionNotAvailable", order)
        waiting = [s for s in order.shipments if s.is_open and s.starts_at > now]
        if order.shipments and not waiting:
            return self._answer("FailedToCancel", order)
        for shipment in waiting:
            shipment.is_cancelled = True
        if any(not shipment.is_cancelled for shipment in order.shipments):
            # Some labs had begun: the outcome says cancelled, the order goes on.
            order.updated_at = now
            return self._answer("Cancelled", order)
        for row in list(order.charges):
            amount = -wire.money(row["totalCost"])
            charge(order, kind="Refund", amount=amount, next_id=self.next_id)
        self.end(order, Phase.CANCELLED, now)
        return self._answer("Cancelled", order)

    def _update_recipient(self, request: Request) -> Response:
        body, refusal = self._object(request)
        if refusal is None and (failures := validation.failures_of_recipient(body)):
            refusal = Response(400, {"outcome": "ValidationFailed", "failures": failures})
        return refusal or self._update(request, {"recipient": body})

    def _update_shipping(self, request: Request) -> Response:
        body, refusal = self._object(request)
        method = method_of(body.get("shippingMethod"))
        if refusal is None and method not in catalog.METHODS:
            refusal = _invalid("shippingMethod", "MustBeAValidValue")
        if refusal is not None:
            return refusal
        order = self._find_order(request)
        if isinstance(order, Order) and self._is_changeable(order):
            reroute(order, method, now=self.clock.now(), next_id=self.next_id)
        return self._update(request, {"shippingMethod": method})

    def _update_metadata(self, request: Request) -> Response:
        body, refusal = self._object(request)
        order = refusal or self._find_order(request)
        if isinstance(order, Response):
            return order
        order.asked["metadata"] = body.get("metadata")
        self._touched(order.id)
        return self._answer("Updated", order)

    def _update(self, request: Request, change: dict[str, Any]) -> Response:
        order = self._find_order(request)
        if isinstance(order, Response):
            return order
        if not self._is_changeable(order):
            return self._answer("ActionNotAvailable", order)
        now = self.clock.now()
        results = [
            {"shipmentId": s.id, "successful": s.starts_at > now, "errorCode": None}
            | ({} if s.starts_at > now else {"errorCode": "order.shipments.notAvailable"})
            for s in order.shipments
            if not s.is_cancelled
        ]
        outcome = "Updated" if all(row["successful"] for row in results) else "PartiallyUpdated"
        order.asked.update(change)
        self._touched(order.id)
        answer = self._answer(outcome, order)
        return Response(200, {**answer.body, "shipmentUpdateResults": results})

    def _quote(self, request: Request) -> Response:
        body, refusal = self._object(request)
        if refusal is not None:
            return refusal
        if failures := validation.failures_of_quote(body):
            return Response(400, {"outcome": "ValidationFailed", "failures": failures})
        wanted = method_of(body.get("shippingMethod"))
        methods = (wanted,) if wanted else catalog.QUOTED_METHODS
        currency = (body.get("currencyCode") or self.dials.currency).upper()
        quotes = [wire.quote(body, method=method, currency=currency) for method in methods]
        return Response(200, {"outcome": "Created", "quotes": quotes})

    def _product(self, request: Request) -> Response:
        sku = request.match["sku"].upper()
        if not catalog.is_known(sku):
            return Response(404, {"outcome": "EntityNotFound"})
        return Response(200, {"outcome": "Ok", "product": wire.product(sku)})

    def _answer(self, outcome: str, order: Order) -> Response:
        if order.phase is Phase.PAUSED:  # only the id is told before the window is over
            return Response(200, {"outcome": outcome, "order": {"id": order.id}})
        return Response(200, {"outcome": outcome, "order": self.shown(order)})

    def _environment(self, request: Request) -> str:
        return self.keys[request.headers["x-api-key"]]

    def _is_visible(self, order: Order) -> bool:
        return order.phase is not Phase.PAUSED and order.visible_at <= self.clock.now()

    def _is_changeable(self, order: Order) -> bool:
        return order.phase not in {Phase.COMPLETE, Phase.CANCELLED} and not order.is_in_production(
            self.clock.now()
        )

    def _find_order(self, request: Request) -> Order | Response:
        order_id = request.match["id"].lower()
        if not order_id.startswith("ord_"):
            return _invalid("orderId", "MustBeAValidOrderId")
        order = self.orders.get(order_id)
        if (
            order is None
            or order.environment != self._environment(request)
            or not self._is_visible(order)
        ):
            return Response(404, {"outcome": "EntityNotFound"})
        return order

    def _object(self, request: Request) -> tuple[dict[str, Any], Response | None]:
        if "application/json" not in request.headers.get("content-type", ""):
            return {}, Response(415, {"outcome": "InvalidContentType"})
        try:
            body = request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return {}, _invalid("", "MalformedJson")
        return body, None


def _invalid(field: str, code: str) -> Response:
    failures = {field: [{"code": code, "providedValue": None}]}
    return Response(400, {"outcome": "ValidationFailed", "failures": failures})


def example_account(base_url: str) -> Account:
    """A test account at a simulator that is served at `base_url`."""
    settings = {
        "api_key": SANDBOX_KEY,
        "environment": "sandbox",
        "account_name": "",
        "base_url": f"{base_url}/v4.0",
    }
    return Account(mode=Mode.TEST, settings=settings)


def example_secrets() -> Secrets:
    """Callbacks are not signed: only the token in their address counts."""
    return Secrets(path_token="t0k3n-7f41c2ae55")  # noqa: S106 -- an example, not a secret


def example_webhook(secrets: Secrets, *, at: datetime) -> WebhookRequest:
    """A callback as it would arrive at a connection with these secrets."""
    order = {
        "id": "ord_840797",
        "recipient": {"phoneNumber": None},
        "status": {"stage": "Complete"},
    }
    body = wire.event(
        order, event_id="evt_300001", change="status.stage.changed#Complete", at=at, is_nested=True
    )
    return WebhookRequest(
        body=msgspec.json.encode(body),
        headers={"content-type": "application/json"},
        suffix=secrets.path_token,
    )


def example_happenings(simulator: ProdigiSimulator) -> None:
    """Five orders: new ones, one that has shipped and one that was cancelled."""
    booked = [
        simulator.book(asking.to_order(example_request(f"H-{number}-1")), environment="sandbox")
        for number in range(5)
    ]
    simulator.finish(booked[0].id)
    simulator.end(booked[1], Phase.CANCELLED, simulator.clock.now())


def example_request(reference: str) -> FulfillmentRequest:
    """Two products of two labs, several copies each."""
    return FulfillmentRequest(
        reference=reference,
        idempotency_key=f"key-of-{reference}",
        recipient=Address(
            name="Žofie Pokusná",
            line1="Zkušební 12",
            city="Brno",
            postal_code="60200",
            country="CZ",
            phone="+420 555 000 111",
        ),
        email="zofie@kunde.example",
        items=(
            RequestedItem(
                reference=f"{reference}-1",
                provider_sku="GLOBAL-FAP-16X24",
                quantity=3,
                assets=(RequestedAsset(print_area="default", url="https://cdn.example/a.png"),),
                customer_price=Money.of("39.90", "EUR"),
            ),
            RequestedItem(
                reference=f"{reference}-2",
                provider_sku="GLOBAL-CAN-10X10",
                quantity=2,
                attributes=(("wrap", "White"),),
                assets=(RequestedAsset(print_area="default", url="https://cdn.example/b.png"),),
            ),
        ),
        shipping_method="Standard",
        metadata=(("order", reference),),
    )
