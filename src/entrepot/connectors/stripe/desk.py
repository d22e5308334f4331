"""The calls that a simulated Stripe answers, one function per path."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from entrepot.connect.simulator import Request
from entrepot.connectors.stripe import objects
from entrepot.connectors.stripe.ledger import Ledger
from entrepot.connectors.stripe.sessions import Sessions
from entrepot.connectors.stripe.wire import (
    Fields,
    Refusal,
    Thing,
    expand,
    fields_of,
    missing,
    page_of,
)

BREAKDOWN = "total_details.breakdown"
EMBEDDED_LINES = 10
RANGES: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda at, bound: at > bound,
    "gte": lambda at, bound: at >= bound,
    "lt": lambda at, bound: at < bound,
    "lte": lambda at, bound: at <= bound,
}
REFERENCES = frozenset(
    {
        "balance_transaction", "charge", "latest_charge", "payment_intent", "product", "review",
        "shipping_rate",
    }
)  # fmt: skip
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and the mode of its key."""

    request: Request
    livemode: bool


Answer = Callable[[Call], Thing]


class Desk:
    """Reads calls, asks the ledger, renders answers.

    `livemode` is the key's, so that live and test never see each other's objects.
    """

    def __init__(self, ledger: Ledger, sessions: Sessions) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self.account: Thing = {}
        self.is_hidden: Callable[[str], bool] = lambda _external_id: False
        self.new_secret: Callable[[str], str] = lambda _endpoint_id: ""

    @property
    def reads(self) -> dict[str, Answer]:
        """Answers to GET, by path."""
        return {
            "/v1/account": lambda _call: self.account,
            "/v1/checkout/sessions": self.list_sessions,
            "/v1/checkout/sessions/{id}": self._read("sessions", "checkout.session"),
            "/v1/checkout/sessions/{id}/line_items": self.list_lines,
            "/v1/payment_intents": self._list("payment_intents", "payment_intent"),
            "/v1/payment_intents/{id}": self._read("payment_intents", "payment_intent"),
            "/v1/charges": self._list("charges", "charge", filters=("payment_intent",)),
            "/v1/charges/{id}": self._read("charges", "charge"),
            "/v1/refunds": self._list("refunds", "refund", filters=("payment_intent", "charge")),
            "/v1/refunds/{id}": self._read("refunds", "refund"),
            "/v1/disputes": self._list("disputes", "dispute", filters=("payment_intent", "charge")),
            "/v1/disputes/{id}": self._read("disputes", "dispute"),
            "/v1/reviews/{id}": self._read("reviews", "review"),
            "/v1/events": self.list_events,
            "/v1/events/{id}": self._read("events", "event"),
            "/v1/webhook_endpoints": self._list("webhook_endpoints", "webhook_endpoint"),
            "/v1/webhook_endpoints/{id}": self._read("webhook_endpoints", "webhook_endpoint"),
            "/v1/coupons/{id}": self._read("coupons", "coupon"),
        }

    @property
    def writes(self) -> dict[str, Answer]:
        """Answers to POST, by path."""
        return {
            "/v1/checkout/sessions": self.open_session,
            "/v1/checkout/sessions/{id}/expire": self.expire_session,
            "/v1/payment_intents/{id}/capture": self.capture,
            "/v1/payment_intents/{id}/cancel": self.cancel,
            "/v1/charges/{id}/capture": self.capture_charge,
            "/v1/refunds": self.refund,
            "/v1/coupons": self.make_coupon,
            "/v1/webhook_endpoints": self.make_endpoint,
            "/v1/webhook_endpoints/{id}": self.change_endpoint,
        }

    # -- rendering --

    def render(self, thing: Thing, expansions: Iterable[str]) -> Thing:
        """An object as an answer shows it, with references expanded."""
        paths = list(expansions)
        if thing["object"] == "checkout.session" and BREAKDOWN in paths:
            paths.remove(BREAKDOWN)
            breakdown = self._sessions.breakdown(thing)
            thing = {**thing, "total_details": {**thing["total_details"], "breakdown": breakdown}}
        return expand(thing, paths, resolve=self._resolve)

    def _resolve(self, thing: Thing, name: str) -> Any:
        if name == "line_items" and thing["object"] == "checkout.session":
            return self._lines_of(thing)
        value = thing.get(name)
        if name in REFERENCES and isinstance(value, str):
            return self._ledger.find(value)
        if name == "refunds" and thing["object"] == "charge":
            found = [row for row in self._rows("refunds") if row["charge"] == thing["id"]]
            rows = list(reversed(found))
            url = f"/v1/charges/{thing['id']}/refunds"
            return {"object": "list", "url": url, "data": rows[:10], "has_more": len(rows) > 10}
        return None

    def _lines_of(self, session: Thing) -> Thing:
        lines = self._ledger.lines[session["id"]]
        return {
            "object": "list",
            "data": lines[:EMBEDDED_LINES],
            "has_more": len(lines) > EMBEDDED_LINES,
            "url": f"/v1/checkout/sessions/{session['id']}/line_items",
        }

    def _rows(self, book: str) -> list[Thing]:
        return list(self._ledger.books[book].values())

    def _named(self, call: Call, book: str, kind: str) -> Thing:
        """The object that the path names."""
        return self._own(book, kind, call.request.match["id"], livemode=call.livemode)

    def _own(self, book: str, kind: str, external_id: str, *, livemode: bool) -> Thing:
        thing = self._ledger.books[book].get(external_id)
        if thing is None:
            raise missing(kind, external_id)
        if thing.get("livemode", livemode) != livemode:
            seen, used = ("test", "live") if livemode else ("live", "test")
            refusal = missing(kind, external_id)
            refusal.error["message"] += (
                f"; a similar object exists in {seen} mode, but a {used} mode key was used to make "
                "this request."
            )
            raise refusal
        return thing

    # -- reading --

    def _read(self, book: str, kind: str) -> Answer:
        def answer(call: Call) -> Thing:
            fields = fields_of(call.request)
            expansions = fields.texts("expand")
            fields.end()
            thing = self._named(call, book, kind)
            return self.render(thing, expansions)

        return answer

    def _list(self, book: str, kind: str, *, filters: tuple[str, ...] = ()) -> Answer:
        def answer(call: Call) -> Thing:
            fields = fields_of(call.request)
            wanted = {name: fields.text(name) for name in filters}
            rows = [
                row
                for row in self._visible(book, livemode=call.livemode)
                if all(value in (None, row[name]) for name, value in wanted.items())
            ]
            return self._page(rows, fields, request=call.request, kind=kind)

        return answer

    def list_sessions(self, call: Call) -> Thing:
        """GET /v1/checkout/sessions."""
        fields = fields_of(call.request)
        intent, status = fields.text("payment_intent"), fields.text("status")
        rows = _within(self._visible("sessions", livemode=call.livemode), fields.raw("created"))
        rows = [
            row
            for row in rows
            if intent in (None, row["payment_intent"]) and status in (None, row["status"])
        ]
        return self._page(rows, fields, request=call.request, kind="checkout.session")

    def list_lines(self, call: Call) -> Thing:
        """GET /v1/checkout/sessions/{id}/line_items, in the order of the cart."""
        session = self._named(call, "sessions", "checkout.session")
        rows = list(reversed(self._ledger.lines[session["id"]]))
        return self._page(rows, fields_of(call.request), request=call.request, kind="line_item")

    def list_events(self, call: Call) -> Thing:
        """GET /v1/events."""
        fields = fields_of(call.request)
        topics = fields.texts("types")
        if len(topics) > 20:
            raise Refusal("You may only specify up to 20 types.", param="types")
        topic, undelivered = fields.text("type"), fields.text("delivery_success")
        if topic is not None:
            topics = [*topics, topic]
        rows = _within(self._visible("events", livemode=call.livemode), fields.raw("created"))
        rows = [
            row
            for row in rows
            if (not topics or any(_is_topic(row["type"], wanted) for wanted in topics))
            and (undelivered is None or (row["pending_webhooks"] > 0) == (undelivered == "false"))
        ]
        return self._page(rows, fields, request=call.request, kind="event")

    def _visible(self, book: str, *, livemode: bool) -> list[Thing]:
        return [
            row
            for row in self._rows(book)
            if row.get("livemode", livemode) == livemode and not self.is_hidden(row["id"])
        ]

    def _page(self, rows: list[Thing], fields: Fields, *, request: Request, kind: str) -> Thing:
        expansions = [path.removeprefix("data.") for path in fields.texts("expand")]
        page = page_of(rows, fields, url=request.path, kind=kind)
        page["data"] = [self.render(row, expansions) for row in page["data"]]
        return page

    # -- writing --

    def open_session(self, call: Call) -> Thing:
        """POST /v1/checkout/sessions."""
        fields = fields_of(call.request)
        expansions = fields.texts("expand")
        return self.render(self._sessions.open(fields, livemode=call.livemode), expansions)

    def expire_session(self, call: Call) -> Thing:
        """POST /v1/checkout/sessions/{id}/expire."""
        session = self._named(call, "sessions", "checkout.session")
        fields_of(call.request).end()
        return self.render(self._sessions.expire(session), ())

    def capture(self, call: Call) -> Thing:
        """POST /v1/payment_intents/{id}/capture."""
        fields = fields_of(call.request)
        expansions, amount = fields.texts("expand"), fields.whole("amount_to_capture", least=1)
        fields.end()
        intent = self._named(call, "payment_intents", "payment_intent")
        return self.render(self._ledger.capture(intent, amount=amount), expansions)

    def capture_charge(self, call: Call) -> Thing:
        """POST /v1/charges/{id}/capture, for charges without an intent."""
        fields = fields_of(call.request)
        expansions, amount = fields.texts("expand"), fields.whole("amount", least=1)
        fields.end()
        charge = self._named(call, "charges", "charge")
        return self.render(self._ledger.capture_charge(charge, amount=amount), expansions)

    def cancel(self, call: Call) -> Thing:
        """POST /v1/payment_intents/{id}/cancel."""
        fields = fields_of(call.request)
        expansions, reason = fields.texts("expand"), fields.text("cancellation_reason")
        fields.end()
        intent = self._named(call, "payment_intents", "payment_intent")
        return self.render(self._ledger.cancel(intent, reason=reason), expansions)

    def refund(self, call: Call) -> Thing:
        """POST /v1/refunds, by intent or by charge."""
        fields = fields_of(call.request)
        expansions, amount = fields.texts("expand"), fields.whole("amount", least=1)
        reason = fields.text("reason", choices=REFUND_REASONS)
        intent_id, charge_id = fields.text("payment_intent"), fields.text("charge")
        metadata = fields.metadata()
        fields.end()
        if intent_id is not None:
            intent = self._own(
                "payment_intents", "payment_intent", intent_id, livemode=call.livemode
            )
            if intent["latest_charge"] is None:
                raise Refusal(
                    f"This PaymentIntent ({intent_id}) has no successful charge to refund.",
                    code="payment_intent_unexpected_state",
                )
            charge_id = intent["latest_charge"]
        if charge_id is None:
            raise Refusal(
                "One of the following params should be provided for this request: payment_intent "
                "or charge.",
                code="parameter_missing",
            )
        charge = self._own("charges", "charge", charge_id, livemode=call.livemode)
        made = self._ledger.refund(charge, amount=amount, reason=reason, metadata=metadata)
        return self.render(made, expansions)

    def make_coupon(self, call: Call) -> Thing:
        """POST /v1/coupons."""
        fields = fields_of(call.request)
        wanted = fields.text("id") or self._ledger.new_id("", length=8).upper()
        coupon = {
            "id": wanted,
            "object": "coupon",
            "amount_off": fields.whole("amount_off", least=1),
            "created": self._ledger.seconds,
            "currency": fields.text("currency"),
            "duration": fields.text("duration", choices=("forever", "once", "repeating")) or "once",
            "duration_in_months": None,
            "livemode": call.livemode,
            "max_redemptions": fields.whole("max_redemptions", least=1),
            "metadata": fields.metadata(),
            "name": fields.text("name"),
            "percent_off": fields.whole("percent_off", least=1),
            "redeem_by": None,
            "times_redeemed": 0,
            "valid": True,
        }
        fields.end()
        if wanted in self._ledger.books["coupons"]:
            raise Refusal("Coupon already exists.", code="resource_already_exists")
        if (coupon["amount_off"] is None) == (coupon["percent_off"] is None):
            raise Refusal(
                "Must provide percent_off or amount_off.",
                code="parameter_missing",
                param="percent_off",
            )
        self._ledger.books["coupons"][wanted] = coupon
        return coupon

    def make_endpoint(self, call: Call) -> Thing:
        """POST /v1/webhook_endpoints; the only answer that tells the secret."""
        fields = fields_of(call.request)
        url = fields.text("url", required=True) or ""
        if call.livemode and not url.startswith("https://"):
            raise Refusal("Invalid URL: live mode endpoints must be HTTPS.", param="url")
        endpoint = objects.webhook_endpoint(
            self._ledger.new_id("we_"),
            created=self._ledger.seconds,
            livemode=call.livemode,
            api_version=fields.text("api_version"),
            description=fields.text("description"),
            enabled_events=_topics(fields),
            metadata=fields.metadata(),
            url=url,
        )
        fields.end()
        self._ledger.keep(endpoint)
        return {**endpoint, "secret": self.new_secret(endpoint["id"])}

    def change_endpoint(self, call: Call) -> Thing:
        """POST /v1/webhook_endpoints/{id}; its API version cannot be changed."""
        endpoint = self._own(
            "webhook_endpoints",
            "webhook_endpoint",
            call.request.match["id"],
            livemode=call.livemode,
        )
        fields = fields_of(call.request)
        url, disabled = fields.text("url"), fields.text("disabled", choices=("true", "false"))
        topics = fields.texts("enabled_events")
        fields.end()
        if disabled is not None:
            endpoint["status"] = "disabled" if disabled == "true" else "enabled"
        endpoint["url"] = url or endpoint["url"]
        endpoint["enabled_events"] = topics or endpoint["enabled_events"]
        return endpoint

    def remove_endpoint(self, call: Call) -> Thing:
        """DELETE /v1/webhook_endpoints/{id}."""
        external_id = call.request.match["id"]
        self._own("webhook_endpoints", "webhook_endpoint", external_id, livemode=call.livemode)
        del self._ledger.books["webhook_endpoints"][external_id]
        return {"id": external_id, "object": "webhook_endpoint", "deleted": True}


def _topics(fields: Fields) -> list[str]:
    topics = fields.texts("enabled_events")
    if not topics:
        raise Refusal(
            "Missing required param: enabled_events.",
            code="parameter_missing",
            param="enabled_events",
        )
    return topics


def _is_topic(topic: str, wanted: str) -> bool:
    return topic == wanted or (wanted.endswith("*") and topic.startswith(wanted[:-1]))


def _within(rows: list[Thing], created: Any) -> list[Thing]:
    """Rows created within a range, or at one instant."""
    if created is None:
        return rows
    bounds = created if isinstance(created, dict) else {"gte": created, "lte": created}
    for name, bound in bounds.items():
        if name not in RANGES or not str(bound).isdigit():
            raise Refusal(f"Invalid created[{name}]", code="parameter_invalid", param="created")
        rows = [row for row in rows if RANGES[name](row["created"], int(bound))]
    return rows
