"""Stripe over HTTP: hosted payment pages, captures, refunds, events and webhook endpoints.

Source: Stripe API reference 2023-10-16; the pages read are listed in README.md.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from entrepot.canon.messages import Flow
from entrepot.canon.money import Money, NotMoney
from entrepot.canon.orders import Mode
from entrepot.canon.payments import (
    CheckoutRequest,
    CheckoutSession,
    PaymentFact,
    RefundReceipt,
    RefundRequest,
)
from entrepot.connect.errors import Misconfigured, OutcomeUnknown, Rejected, UnexpectedResponse
from entrepot.connect.http import Http, Json
from entrepot.connect.ports import Account, Page, PingResult, PulledItem, Subscription
from entrepot.connect.reading import Node
from entrepot.connectors.stripe import mapping, requests
from entrepot.connectors.stripe.amounts import to_units
from entrepot.connectors.stripe.events import Position, to_page
from entrepot.connectors.stripe.fields import API_VERSION, CHECKOUT_MARK, REFUND_MARK, flag, instant
from entrepot.connectors.stripe.refusals import REFUSALS, refusal
from entrepot.connectors.stripe.webhook import TOPICS

OVERLAP = timedelta(seconds=300)
PAGE = 100
# A session lives for a day at most, so one that was asked to end at an instant is not older.
SESSION_LIFE = timedelta(hours=24)
LOOKUP_PAGES = 10

SESSION_EXPANSIONS = (
    "line_items",
    "line_items.data.price.product",
    "payment_intent.latest_charge.balance_transaction",
    "shipping_cost.shipping_rate",
    "total_details.breakdown",
)


def base_url(account: Account) -> str:
    """Stripe has one address for live and test; the key decides."""
    return str(account.settings.get("base_url") or "https://api.stripe.com")


class Client:
    """Implements ports.Pulls, Subscribes, OpensCheckouts, Captures and Refunds for one account."""

    def __init__(self, http: Http, account: Account) -> None:
        self._account = account
        self._key = str(account.settings.get("secret_key") or "").strip()
        self._http = http.with_auth(self._sign, headers={"Stripe-Version": API_VERSION})

    def ping(self) -> PingResult:
        """Read the account: proves the key, and tells whose it is and in which mode."""
        account = Node(self._http.get("/v1/account").json(), "")
        mode = mode_of(self._key)
        warnings = []
        if mode is not self._account.mode:
            said = mode.value if mode else "unknown"
            warnings.append(
                f"the key is of {said} mode, the connection of {self._account.mode.value}"
            )
        return PingResult(
            identity=account["id"].text(),
            name=account["business_profile"]["name"].text_or_empty()
            or account["settings"]["dashboard"]["display_name"].text_or_empty(),
            mode=mode,
            api_version=API_VERSION,
            warnings=tuple(warnings),
        )

    # -- reading --

    def pull(self, flow: Flow, *, cursor: str, since: datetime | None, limit: int) -> Page:
        """Read events of the last 30 days, newest first, back to `since` less the overlap.

        The items are events, under the same key as their webhooks: whichever comes second is a
        repetition. Only Flow.PAYMENTS is pulled; it brings the hints of checkouts too.
        """
        if flow is not Flow.PAYMENTS:
            raise ValueError(f"{flow} is not pulled here: events of payments bring everything")
        if cursor:
            position = Position.read(cursor)
        else:
            position = Position(since=int((since - OVERLAP).timestamp()) if since else 0)
        params = [("limit", str(min(limit, PAGE)))]
        params += [("types[]", topic) for topic in TOPICS]
        params += [("created[gte]", str(position.since))] if position.since > 0 else []
        params += [("starting_after", position.after)] if position.after else []
        answer = self._http.get("/v1/events", params=params)
        return to_page(answer.content, headers=answer.headers, position=position)

    def fetch(self, flow: Flow, external_id: str) -> PulledItem | None:
        """Read a checkout session with its lines, or a payment with its refunds and disputes."""
        match flow:
            case Flow.CHECKOUTS:
                body = self._session(external_id)
            case Flow.PAYMENTS:
                body = self._payment(external_id)
            case _:
                raise ValueError(f"{flow} is not read here")
        if body is None:
            return None
        content = msgspec.json.encode(body)
        version = hashlib.sha256(content).hexdigest()[:32]
        return PulledItem(topic=flow.value, dedupe_key=f"{external_id}:{version}", body=content)

    # -- webhooks --

    def subscriptions(self) -> list[Subscription]:
        """All webhook endpoints of the account in the key's mode."""
        return [_subscription(found) for found in self._each("/v1/webhook_endpoints")]

    def subscribe(self, *, url: str, secret: str) -> list[Subscription]:
        """Register our topics at `url` with our API version, or repair what is there.

        Stripe makes the secret and tells it only on creation: `secret` is the one that the hub
        has, empty when it has none. Then, and where an endpoint has another API version (which
        cannot be changed), a new endpoint is made before the old one is removed, so that nothing
        is missed; what arrives twice meanwhile is one event id.
        """
        ours = [found for found in self.subscriptions() if found.url == url]
        kept = [found for found in ours if secret and found.api_version == API_VERSION][:1]
        if kept:
            result = self._repaired(kept[0])
        else:
            form = requests.brackets(
                {"url": url, "enabled_events": TOPICS, "api_version": API_VERSION}
            )
            result = _subscription(Node(self._write("/v1/webhook_endpoints", form), ""))
        for found in ours:
            if found.external_id != result.external_id:
                self.unsubscribe(found.external_id)
        return [result]

    def unsubscribe(self, external_id: str) -> None:
        """Remove an endpoint; an absent one is as good as removed."""
        self._http.delete(f"/v1/webhook_endpoints/{external_id}", allow={404})

    # -- checkout --

    def open_checkout(self, request: CheckoutRequest) -> CheckoutSession:
        """Open a page. Safe to repeat: Stripe answers a known key with its first answer.

        A discount of the cart needs a coupon; its id derives from the reference, so a repetition
        finds it.
        """
        coupon = requests.coupon_id(request)
        try:
            form = requests.checkout_form(request, settings=self._account.settings, coupon=coupon)
            discount = requests.coupon_form(request) if coupon else []
        except NotMoney as error:
            raise Rejected(f"checkout {request.reference}: {error}", code="amount") from error
        if coupon:
            self._write(
                "/v1/coupons",
                discount,
                key=f"{request.idempotency_key}-coupon",
                known="resource_already_exists",
            )
        body = self._write("/v1/checkout/sessions", form, key=request.idempotency_key)
        return _checkout(Node(body, ""))

    def find_checkout(self, request: CheckoutRequest) -> CheckoutSession | None:
        """Look through the newest sessions for our reference. Finding none proves nothing."""
        params = []
        if request.expires_at is not None:
            oldest = request.expires_at - SESSION_LIFE - OVERLAP
            params.append(("created[gte]", str(int(oldest.timestamp()))))
        for session in self._each("/v1/checkout/sessions", params, pages=LOOKUP_PAGES):
            if session["metadata"][CHECKOUT_MARK].value == request.reference:
                return _checkout(session)
        return None

    # -- money --

    def capture(
        self, payment_external_id: str, *, amount: Money, idempotency_key: str
    ) -> PaymentFact:
        """Take authorized money, all or some; the rest is let go. Safe to repeat with the key."""
        is_intent = payment_external_id.startswith("pi_")
        try:
            units = str(to_units(amount))
        except NotMoney as error:
            raise Rejected(f"capture of {payment_external_id}: {error}", code="amount") from error
        body = self._write(
            f"/v1/payment_intents/{payment_external_id}/capture"
            if is_intent
            else f"/v1/charges/{payment_external_id}/capture",
            [("amount_to_capture" if is_intent else "amount", units)]
            + ([("expand[]", "latest_charge.balance_transaction")] if is_intent else []),
            key=idempotency_key,
        )
        return _fact(Node(body, ""))

    def void(self, payment_external_id: str, *, idempotency_key: str) -> PaymentFact:
        """Let authorized money go. An old charge without an intent is let go by a refund."""
        if payment_external_id.startswith("pi_"):
            path = f"/v1/payment_intents/{payment_external_id}/cancel"
            form = [("expand[]", "latest_charge")]
        else:
            path, form = "/v1/refunds", [("charge", payment_external_id), ("expand[]", "charge")]
        body = Node(self._write(path, form, key=idempotency_key), "")
        return _fact(body["charge"] if body["object"].value == "refund" else body)

    def read_payment(self, payment_external_id: str) -> tuple[PaymentFact, ...]:
        """All facts of one payment: taken or set aside, refunded, disputed, reviewed."""
        body = self._payment(payment_external_id)
        if body is None:
            return ()
        found = mapping.of_payment(Node(body, ""))
        return tuple(fact for fact in found if isinstance(fact, PaymentFact))

    def refund(self, request: RefundRequest) -> RefundReceipt:
        """Give money back. Safe to repeat: Stripe answers a known key with its first answer."""
        try:
            form = requests.refund_form(request)
        except NotMoney as error:
            raise Rejected(f"refund {request.reference}: {error}", code="amount") from error
        body = self._write("/v1/refunds", form, key=request.idempotency_key)
        return mapping.to_receipt(Node(body, ""))

    def find_refund(self, request: RefundRequest) -> RefundReceipt | None:
        """Look through the payment's refunds for our reference."""
        payment = request.payment_external_id
        for refund in self._each("/v1/refunds", [(requests.payment_field(payment), payment)]):
            if refund["metadata"][REFUND_MARK].value == request.reference:
                return mapping.to_receipt(refund)
        return None

    # -- the wire --

    def _sign(self, request: Any) -> None:
        if not re.fullmatch(r"\w+", self._key, re.ASCII):
            raise Misconfigured("the secret key of this connection is empty or not one of Stripe's")
        request.headers["Authorization"] = f"Bearer {self._key}"

    def _write(self, path: str, form: requests.Form, *, key: str = "", known: str = "") -> Json:
        """Post a form. `known` is a refusal that means "done already": it answers null.

        An answer that is not Stripe's does not tell whether the write took effect.
        """
        headers = {"Idempotency-Key": key} if key else {}
        answer = self._http.post(path, form=form, headers=headers, allow=REFUSALS)
        try:
            body = answer.json()
        except UnexpectedResponse as error:
            raise OutcomeUnknown(f"POST {path} {error}") from error
        if answer.status_code not in REFUSALS:
            return body
        node = Node(body, "")
        if known and node["error"]["code"].value == known:
            return None
        raise refusal(answer.status_code, node, said=f"POST {path}")

    def _each(
        self, path: str, params: requests.Form | None = None, *, pages: int = 0
    ) -> Iterator[Node]:
        """Every object of a list, page after page; `pages` limits how far (0: to the end)."""
        read, after = 0, ""
        while True:
            more = [("starting_after", after)] if after else []
            page = self._http.get(path, params=[*(params or []), ("limit", str(PAGE)), *more])
            body = Node(page.json(), "")
            things = list(body["data"])
            yield from things
            read += 1
            if not things or not flag(body["has_more"]) or read == pages:
                return
            after = things[-1]["id"].text()

    def _read(self, path: str, expansions: tuple[str, ...]) -> Json | None:
        params = [("expand[]", expansion) for expansion in expansions]
        answer = self._http.get(path, params=params, allow={404})
        return None if answer.status_code == 404 else answer.json()

    def _session(self, external_id: str) -> Json | None:
        """A session with all of its lines, of which Stripe embeds only the first handful."""
        path = f"/v1/checkout/sessions/{external_id}"
        body = self._read(path, SESSION_EXPANSIONS)
        if body is not None and (body.get("line_items") or {}).get("has_more"):
            expansion = [("expand[]", "data.price.product")]
            lines = [line.value for line in self._each(f"{path}/line_items", expansion)]
            body["line_items"] = {**body["line_items"], "data": lines, "has_more": False}
        return body

    def _payment(self, external_id: str) -> Json | None:
        """A payment intent, or a charge without one, with its refunds, disputes and review."""
        if external_id.startswith("pi_"):
            path = f"/v1/payment_intents/{external_id}"
            body = self._read(path, ("latest_charge.balance_transaction",))
        else:
            body = self._read(f"/v1/charges/{external_id}", ())
        if body is None:
            return None
        payment = Node(body, "")
        if intent := mapping.intent_of(payment):
            return self._payment(intent)
        is_intent = payment["object"].value == "payment_intent"
        charge = mapping.latest_charge(payment) if is_intent else payment
        ours = [(requests.payment_field(external_id), external_id)]
        refunds = self._each("/v1/refunds", ours) if charge["amount_refunded"].value else ()
        disputes = self._each("/v1/disputes", ours) if charge["disputed"].value is True else ()
        review = body.get("review")
        return {
            **body,
            "review": self._read(f"/v1/reviews/{review}", ()) if review else None,
            "refunds": {"data": [refund.value for refund in refunds]},
            "disputes": {"data": [dispute.value for dispute in disputes]},
        }

    def _repaired(self, found: Subscription) -> Subscription:
        if found.is_active and set(found.topics) == set(TOPICS):
            return found
        form = requests.brackets({"enabled_events": TOPICS, "disabled": False})
        return _subscription(
            Node(self._write(f"/v1/webhook_endpoints/{found.external_id}", form), "")
        )


def mode_of(key: str) -> Mode | None:
    """The mode that a key is for, by its own prefix; None when it has no such prefix."""
    kind, _, rest = key.partition("_")
    if kind not in ("sk", "rk"):
        return None
    return {"live": Mode.LIVE, "test": Mode.TEST}.get(rest.partition("_")[0])


def _subscription(endpoint: Node) -> Subscription:
    return Subscription(
        external_id=endpoint["id"].text(),
        url=endpoint["url"].text(),
        topics=tuple(topic.text() for topic in endpoint["enabled_events"]),
        is_active=endpoint["status"].value == "enabled",
        secret=endpoint["secret"].text_or_empty(),
        api_version=endpoint["api_version"].text_or_empty(),
    )


def _checkout(session: Node) -> CheckoutSession:
    return CheckoutSession(
        external_id=session["id"].text(),
        url=session["url"].text_or_empty(),
        expires_at=instant(session["expires_at"]),
    )


def _fact(payment: Node) -> PaymentFact:
    """The one fact that a capture or a void answers with."""
    if payment["object"].value == "payment_intent":
        found = mapping.of_intent(payment, at=None)
    else:
        found = mapping.of_charge(payment, at=None)
    if not isinstance(found, PaymentFact):
        raise UnexpectedResponse(f"{payment['id'].text()} answered with no fact: {found}")
    return found
