"""Prodigi over HTTP: orders, quotes and what may still be changed.

Source: Prodigi Print API reference v4.0; the pages read are listed in README.md. An answer 200 can
be a failure: its `outcome` decides, never the status code alone.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from entrepot.canon.fulfillment import (
    CancelAnswer,
    CancelReceipt,
    ChangeAnswer,
    ChangeReceipt,
    FulfillmentRequest,
    ProviderOrder,
    ProviderStage,
    Quote,
    ShipmentState,
)
from entrepot.canon.messages import Flow
from entrepot.canon.orders import Mode
from entrepot.canon.places import Address
from entrepot.connect.errors import (
    Conflict,
    Misconfigured,
    OutcomeUnknown,
    UnexpectedResponse,
)
from entrepot.connect.http import Answer, Http
from entrepot.connect.ports import Account, Page, PingResult, PulledItem
from entrepot.connect.reading import Node
from entrepot.connectors.prodigi import asking, mapping, pulling

ADDRESSES = {
    "sandbox": "https://api.sandbox.prodigi.com/v4.0",
    "production": "https://api.prodigi.com/v4.0",
}
ENVIRONMENT_OF = {Mode.TEST: "sandbox", Mode.LIVE: "production"}
MODE_OF = {environment: mode for mode, environment in ENVIRONMENT_OF.items()}
PAGE_LIMIT = 100  # "Get orders": top must be 1-100

MADE = frozenset({"created", "createdwithissues", "onhold", "alreadyexists"})
REFUSED_CHANGES = frozenset({"failedtoupdate", "actionnotavailable"})

Read = TypeVar("Read")


class _List(msgspec.Struct, rename="camel"):
    orders: list[msgspec.Raw]
    has_more: bool = False


class _Row(msgspec.Struct):
    id: str
    created: str | None = None


def environment_of(account: Account) -> str:
    """Sandbox or production.

    Raises:
        Misconfigured: the setting contradicts the connection's mode; live and test never mix.
    """
    wanted = ENVIRONMENT_OF[account.mode]
    chosen = account.settings.get("environment") or wanted
    if chosen != wanted:
        raise Misconfigured(
            f"environment is {chosen!r}, but the connection's mode is {account.mode.value!r}: "
            f"choose {wanted!r}, or make a connection of the other mode"
        )
    return str(chosen)


def base_url(account: Account) -> str:
    """The address in the settings, else Prodigi's own for the account's environment.

    Raises:
        Misconfigured: environment and mode contradict each other.
    """
    environment = environment_of(account)
    return str(account.settings.get("base_url") or ADDRESSES[environment])


class Client:
    """Implements ports.Fulfills, ChangesRecipient, ChangesShipping, Pulls and Connector."""

    def __init__(self, http: Http, account: Account) -> None:
        self._account = account
        self._http = http.with_auth(self._sign)

    def ping(self) -> PingResult:
        """Read one order: the cheapest call that needs a valid key. Prodigi names no account.

        Raises:
            ConnectorError: sorted as in entrepot.connect.errors.
        """
        if not isinstance(_body(self._orders({"top": "1"}))["orders"].value, list):
            raise UnexpectedResponse("GET /orders answered 200 without a list of orders")
        environment = environment_of(self._account)
        name = str(self._account.settings.get("account_name") or "")
        return PingResult(
            identity=f"{environment}/{name}" if name else environment,
            name=name or f"Prodigi {environment}",
            mode=MODE_OF[environment],
            api_version="v4.0",
        )

    def quote(self, request: FulfillmentRequest, *, currency: str) -> list[Quote]:
        """What each shipping method would cost in `currency`. Orders nothing; repeatable.

        Raises:
            Rejected: an item or the destination is refused; by FAULTS of the mapping.
        """
        answer = self._http.post(
            "/quotes",
            json=asking.to_quote_request(request, currency=currency),
            allow={400},
            is_read=True,
        )
        body = _body(answer)
        if answer.status_code == 400:
            raise mapping.refusal(body)
        return _understood(lambda: mapping.from_quotes(body))

    def submit(self, request: FulfillmentRequest) -> ProviderOrder:
        """Order it. Repeatable: a known key is answered with its first order (`is_replay`).

        The order returned may have issues, or be on hold in the merchant's pause window, where it
        comes with its id alone; both exist at Prodigi.

        Raises:
            Rejected: refused; nothing was made.
            OutcomeUnknown: no answer that can be trusted; look it up or send the same key again.
        """
        answer = self._http.post("/orders", json=asking.to_order(request), allow={400, 404, 415})
        body = _written_body(answer)
        if answer.status_code == 400:
            raise mapping.refusal(body)
        if answer.status_code != 200:
            raise Misconfigured(
                f"{self._http.base_url}/orders answered {answer.status_code} "
                f"{body['outcome'].value!r}: is it the address of Prodigi's API v4.0?"
            )
        outcome = mapping.outcome_of(body)
        if outcome not in MADE:
            raise OutcomeUnknown(f"POST /orders answered 200 with the outcome {outcome!r}")
        try:
            order = mapping.to_provider_order(
                body["order"],
                reference=request.reference,
                is_replay=outcome == "alreadyexists",
            )
        except ValueError as error:
            raise OutcomeUnknown(f"POST /orders answered 200, but {error}") from error
        return _compared(order, request)

    def find(self, request: FulfillmentRequest) -> ProviderOrder | None:
        """Look up what became of a submission, by reference; sends nothing.

        Of several orders under one reference it is the one with our key, else the newest that is
        not cancelled. None proves nothing: orders in a pause window are not shown.
        """
        answer = self._orders({"top": str(PAGE_LIMIT), "merchantReferences": request.reference})
        body = _body(answer)
        found = [
            row for row in body["orders"] if row["merchantReference"].value == request.reference
        ]
        ours = [row for row in found if row["idempotencyKey"].value == request.idempotency_key]
        orders = _understood(lambda: [mapping.to_provider_order(row) for row in ours or found])
        live = [order for order in orders if order.stage is not ProviderStage.CANCELLED]
        for order in live or orders:
            return _compared(order, request)
        return None

    def read(self, external_id: str) -> ProviderOrder | None:
        """Read one order; None when Prodigi does not have it, or does not show it yet."""
        body = self._order(external_id)
        if body is None:
            return None
        return _understood(lambda: mapping.to_provider_order(body["order"]))

    def cancel(self, external_id: str) -> CancelReceipt:
        """Ask to cancel the whole order. Repeatable: a cancelled order answers CANCELLED again.

        With several labs some shipments may go on: then it is PARTLY, whatever the outcome says.

        Raises:
            Conflict: Prodigi does not know, or does not show, the order.
            OutcomeUnknown: no answer that can be trusted; read the order.
        """
        answer = self._http.post(f"/orders/{external_id}/actions/cancel", allow={400, 404})
        body = _written_body(answer)
        if answer.status_code != 200:
            raise _not_there(external_id, body)
        outcome = mapping.outcome_of(body)
        if outcome not in {"cancelled", "failedtocancel", "actionnotavailable"}:
            raise OutcomeUnknown(f"cancel of {external_id} answered 200 with {outcome!r}")
        try:
            order = (
                self.read(external_id)
                if body["order"].is_null
                else mapping.to_provider_order(body["order"])
            )
        except ValueError as error:
            raise OutcomeUnknown(f"cancel of {external_id} answered 200, but {error}") from error
        return CancelReceipt(
            answer=_cancel_answer(outcome, order),
            message=mapping.outcome_words(body),
            order=order,
        )

    def change_recipient(
        self, external_id: str, *, recipient: Address, email: str
    ) -> ChangeReceipt:
        """Ask to send it elsewhere. Repeatable with the same recipient.

        Raises:
            Rejected: the new recipient is refused.
            Conflict: Prodigi does not know, or does not show, the order.
        """
        return self._change(
            external_id, "updateRecipient", asking.to_recipient_change(recipient, email)
        )

    def change_shipping(self, external_id: str, *, shipping_method: str) -> ChangeReceipt:
        """Ask for another shipping method, by Prodigi's own word. Repeatable.

        Raises:
            Rejected: Prodigi has no such method.
            Conflict: Prodigi does not know, or does not show, the order.
        """
        return self._change(
            external_id, "updateShippingMethod", {"shippingMethod": shipping_method}
        )

    def pull(self, flow: Flow, *, cursor: str, since: datetime | None, limit: int) -> Page:
        """Read a page of orders that are new, still open, or finished since the last run.

        Keep the cursor of the last page for the next run: see pulling.py. `read_until` is by
        Prodigi's clock, the newest creation that was seen.
        """
        here = pulling.position(cursor, since=since)
        params: dict[str, str] | list[tuple[str, str]]
        if here.step == "finished":
            ids = here.gone[here.skip : here.skip + pulling.IDS_PER_PAGE]
            params = [("top", str(PAGE_LIMIT)), *(("orderIds", name) for name in ids)]
        else:
            params = {"top": str(max(1, min(limit, PAGE_LIMIT))), "skip": str(here.skip)}
            if here.step == "created":
                params["createdFrom"] = pulling.written(here.since)
            else:
                params["status"] = here.step
        page = _decoded(self._orders(params), _List)
        rows = [_decoded_row(raw) for raw in page.orders]
        newest = _understood(lambda: _newest(rows)) if here.step == "created" else None
        after = here.after(ids=[row.id for row in rows], newest=newest, has_more=page.has_more)
        return Page(
            items=tuple(
                _pulled(row.id, bytes(raw)) for row, raw in zip(rows, page.orders, strict=True)
            ),
            cursor=pulling.cursor_of(after),
            is_last=not after.step,
            read_until=None if after.step else after.newest,
        )

    def fetch(self, flow: Flow, external_id: str) -> PulledItem | None:
        """Read one order again; None when Prodigi does not have it, or does not show it yet."""
        answer = self._http.get(f"/orders/{external_id}", allow={400, 404})
        if answer.status_code != 200:
            return None
        raw = _decoded(answer, dict[str, msgspec.Raw]).get("order")
        if raw is None:
            raise UnexpectedResponse(f"order {external_id}: an answer 200 without an order")
        return _pulled(external_id, bytes(raw))

    def _sign(self, request: Any) -> None:
        key = self._account.settings.get("api_key")
        if not key:
            raise Misconfigured("the API key is empty: set it on the connection")
        request.headers["X-API-Key"] = str(key)

    def _orders(self, params: dict[str, str] | list[tuple[str, str]]) -> Answer:
        return self._http.get("/orders", params=params)

    def _order(self, external_id: str) -> Node | None:
        # 400 is what an id of another shape gets: no such order either.
        answer = self._http.get(f"/orders/{external_id}", allow={400, 404})
        return _body(answer) if answer.status_code == 200 else None

    def _change(self, external_id: str, action: str, content: dict[str, Any]) -> ChangeReceipt:
        answer = self._http.post(
            f"/orders/{external_id}/actions/{action}", json=content, allow={400, 404}
        )
        body = _written_body(answer)
        if answer.status_code == 404:
            raise _not_there(external_id, body)
        if answer.status_code == 400:
            raise mapping.refusal(body)
        outcome, words = mapping.outcome_of(body), mapping.outcome_words(body)
        match outcome:
            case "updated":
                return ChangeReceipt(answer=ChangeAnswer.CHANGED, message=words)
            case "partiallyupdated":
                return ChangeReceipt(answer=ChangeAnswer.PARTLY, message=words)
            case _ if outcome in REFUSED_CHANGES:
                return ChangeReceipt(answer=ChangeAnswer.REFUSED, message=words)
            case _:
                raise OutcomeUnknown(f"{action} of {external_id} answered 200 with {outcome!r}")


def _cancel_answer(outcome: str, order: ProviderOrder | None) -> CancelAnswer:
    """By what the order says of itself; by the outcome only where there is no order to see."""
    if order is None:
        return CancelAnswer.CANCELLED if outcome == "cancelled" else CancelAnswer.TOO_LATE
    if order.stage is ProviderStage.CANCELLED:
        return CancelAnswer.CANCELLED
    if any(shipment.state is ShipmentState.CANCELLED for shipment in order.shipments):
        return CancelAnswer.PARTLY
    if outcome == "cancelled":
        raise OutcomeUnknown(
            f"cancel of {order.external_id} answered cancelled, but the order says "
            f"{order.source_stage!r}"
        )
    return CancelAnswer.TOO_LATE


def _compared(order: ProviderOrder, request: FulfillmentRequest) -> ProviderOrder:
    """Say "same content" in the request's own terms, where Prodigi lacks a field of ours."""
    if order.fingerprint and order.fingerprint == mapping.sent_fingerprint(request):
        return replace(order, fingerprint=request.fingerprint())
    return order


def _not_there(external_id: str, body: Node) -> Conflict:
    code = str(body["outcome"].value or "EntityNotFound")
    return Conflict(f"Prodigi has, or shows, no order {external_id}: {code}", code=code)


def _body(answer: Answer) -> Node:
    """The answer of a read; one that is not an object is not understood."""
    body = Node(answer.json(), "")
    if not isinstance(body.value, dict):
        raise UnexpectedResponse(f"expected an object, got {answer.quote()}")
    return body


def _written_body(answer: Answer) -> Node:
    """The answer of a write; one that cannot be read leaves open whether it took effect."""
    try:
        return _body(answer)
    except UnexpectedResponse as error:
        raise OutcomeUnknown(str(error)) from error


def _understood(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except ValueError as error:
        raise UnexpectedResponse(str(error)) from error


def _decoded(answer: Answer, kind: type[Read]) -> Read:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedResponse(f"{error}: {answer.quote()}") from error


def _pulled(order_id: str, raw: bytes) -> PulledItem:
    """By its content, since nothing promises that every change moves `lastUpdated`."""
    version = hashlib.sha256(raw).hexdigest()[:20]
    return PulledItem(topic=Flow.FULFILLMENTS.value, dedupe_key=f"{order_id}:{version}", body=raw)


def _decoded_row(raw: msgspec.Raw) -> _Row:
    try:
        return msgspec.json.decode(raw, type=_Row)
    except msgspec.DecodeError as error:
        raise UnexpectedResponse(f"an order in the list: {error}") from error


def _newest(rows: list[_Row]) -> datetime | None:
    created = [Node(row.created, "created").instant() for row in rows if row.created]
    return max(created, default=None)
