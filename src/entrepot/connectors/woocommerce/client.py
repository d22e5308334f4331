"""A WooCommerce shop over its REST API v3: reads it, registers webhooks, tells it what happened.

Sources: WooCommerce REST API v3; Shipment Tracking extension, "REST API"; README.md lists what was
seen and not documented.
"""

from datetime import datetime
from typing import Any

import msgspec

from entrepot.canon.messages import Flow
from entrepot.canon.orders import SourceState
from entrepot.canon.payments import RefundReceipt, RefundRequest
from entrepot.connect.errors import (
    Conflict,
    ConnectorError,
    OutcomeUnknown,
    Rejected,
    UnexpectedResponse,
)
from entrepot.connect.http import Answer, Http
from entrepot.connect.ports import (
    Account,
    Page,
    PingResult,
    PulledItem,
    Subscription,
    WriteBack,
    WriteBackReceipt,
    WrittenParcel,
)
from entrepot.connectors.woocommerce import door, mapping, marks, payments, pulling
from entrepot.connectors.woocommerce.door import (
    API,
    NO_ROUTE,
    TRACKING_API,
    Door,
    Json,
    understood,
)
from entrepot.connectors.woocommerce.fields import Fields, decoded
from entrepot.connectors.woocommerce.pulling import UNKNOWN_ORDER

TOPICS = (
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
    "product.created",
    "product.updated",
    "product.deleted",
    "product.restored",
)
UNKNOWN_WEBHOOK = "woocommerce_rest_shop_webhook_invalid_id"
REFUND_FAILED = "woocommerce_rest_cannot_create_order_refund"
FIRST_WITH_MODIFIED = (5, 8)  # modified_after and dates_are_gmt came with WooCommerce 5.8

base_url = door.base_url


class Client:
    """Implements Connector, Pulls, Subscribes, WritesBack and Refunds of entrepot.connect.ports."""

    def __init__(self, http: Http, account: Account) -> None:
        self._door = Door(http, account)
        self._account = account

    # --- reading -----------------------------------------------------------------------------

    @understood(UnexpectedResponse)
    def ping(self) -> PingResult:
        """Prove that the key reads and writes; an empty batch is a write that changes nothing.

        Raises:
            Misconfigured: the key is refused or may not write, or no WooCommerce answers there.
        """
        site = decoded(self._door.must_read("/wp-json/", {"_fields": "name,home,url"}).words)
        fields: dict[str, str | int] = {"per_page": 1, "_fields": "id,version"}
        orders = msgspec.json.decode(self._door.must_read(f"{API}/orders", fields).content)
        self._door.write(f"{API}/orders/batch", {}, is_harmless=True)
        version = str(orders[0].get("version", "")) if isinstance(orders, list) and orders else ""
        return PingResult(
            identity=(site.text("home") or site.text("url") or base_url(self._account)).rstrip("/"),
            name=site.text("name"),
            mode=None,
            api_version=f"wc/v3 (WooCommerce {version})" if version else "wc/v3",
            warnings=tuple(self._warnings(version)),
        )

    def pull(self, flow: Flow, *, cursor: str, since: datetime | None, limit: int) -> Page:
        """The next page of orders or products by their last change; see `pulling`.

        Raises:
            ValueError: another flow, or a cursor that is not ours.
            ConnectorError: nothing was read; the same cursor may be used again.
        """
        return pulling.pull(self._door, flow, cursor=cursor, since=since, limit=limit)

    def fetch(self, flow: Flow, external_id: str) -> PulledItem | None:
        """One order with its refunds, or one product with its variations, as it is now."""
        return pulling.fetch(self._door, flow, external_id=external_id)

    # --- webhooks ----------------------------------------------------------------------------

    @understood(UnexpectedResponse)
    def subscriptions(self) -> list[Subscription]:
        """All webhooks of the shop. It never tells their secrets."""
        return [
            Subscription(
                external_id=row.identifier("id", required=True),
                url=row.text("delivery_url"),
                topics=(row.text("topic"),),
                is_active=row.text("status") == "active",
            )
            for row in self._webhooks()
        ]

    @understood(UnexpectedResponse)
    def subscribe(self, *, url: str, secret: str) -> list[Subscription]:
        """Register one webhook per topic at `url`; existing ones become active, with this secret.

        Repeatable. A second webhook of the same topic and address only doubles messages: removed.
        """
        present: dict[str, list[Fields]] = {}
        for row in self._webhooks():
            if row.text("delivery_url") == url:
                present.setdefault(row.text("topic"), []).append(row)
        made = []
        for topic in TOPICS:
            wanted = {
                "name": f"Entrepot {topic}",
                "topic": topic,
                "secret": secret,
                "status": "active",
            }
            numbers = [row.identifier("id", required=True) for row in present.get(topic, [])]
            path = f"{API}/webhooks"
            if numbers:  # the address of a webhook cannot be changed, and need not be
                made_or_kept = self._change_webhook(numbers[0], wanted)
            else:
                made_or_kept = self._door.write(path, {**wanted, "delivery_url": url})
            answer = decoded(made_or_kept.words)
            for doubled in numbers[1:]:
                self.unsubscribe(doubled)
            made.append(
                Subscription(
                    external_id=answer.identifier("id", required=True),
                    url=url,
                    topics=(topic,),
                    is_active=answer.text("status") == "active",
                    secret=secret,
                )
            )
        return made

    def _change_webhook(self, external_id: str, wanted: Json) -> Answer:
        """Change a listed webhook. Raises UnexpectedResponse when somebody has just removed it."""
        try:
            return self._door.write(f"{API}/webhooks/{external_id}", wanted)
        except Rejected as error:
            if error.code != UNKNOWN_WEBHOOK:
                raise
            raise UnexpectedResponse(
                f"webhook {external_id} is gone since it was listed: somebody else is at it"
            ) from error

    def unsubscribe(self, external_id: str) -> None:
        """Remove a webhook for good; the shop has no trash for them."""
        self._door.remove(f"{API}/webhooks/{external_id}", missing=UNKNOWN_WEBHOOK)

    # --- writing back ------------------------------------------------------------------------

    @understood(UnexpectedResponse)
    def find_write_back(self, news: WriteBack) -> WriteBackReceipt | None:
        """Look only. The order's meta is what a write-back writes last."""
        order = self._order(news.order_external_id)
        if not marks.is_all_there(order, self._state(order), news=news):
            return None
        return _receipt(order, news, was_there=True, message="the shop had all of it")

    @understood(UnexpectedResponse)
    def write_back(self, news: WriteBack) -> WriteBackReceipt:
        """Tell the shop about parcels and the end of an order: look first, write what is missing.

        Repeatable at any point: tracking is looked for by its number, notes and parcels by our
        mark, and the order's own change sets values. An order that the shop cancelled or refunded
        gets its parcels, but is not completed.

        Raises:
            Rejected: the shop has no such order (`woocommerce_rest_shop_order_invalid_id`).
            Conflict: it is to be cancelled, and the shop has completed it.
            OutcomeUnknown: a write lost its answer, or came after others; `find_write_back` tells.
        """
        order = self._order(news.order_external_id)
        state = self._state(order)
        if marks.is_all_there(order, state, news=news):
            return _receipt(order, news, was_there=True, message="the shop had all of it")
        if news.cancels_order and state is SourceState.COMPLETED:
            raise Conflict(
                f"order {news.order_external_id} is to be cancelled, but the shop completed it",
                code=order.text("status"),
            )
        known = marks.told_references(order)
        missing = [parcel for parcel in news.parcels if parcel.reference not in known]
        with self._door.as_one():
            return self._tell(news, order, state, missing)

    def _tell(
        self,
        news: WriteBack,
        order: Fields,
        state: SourceState,
        missing: list[WrittenParcel],
    ) -> WriteBackReceipt:
        told = self._tell_parcels(news, missing)
        change: dict[str, Any] = {"meta_data": marks.to_meta(order, news)}
        if news.cancels_order and state not in marks.CALLED_OFF:
            change["status"] = "cancelled"
        elif news.completes_order and state not in marks.PAST_COMPLETING:
            change["status"] = "completed"
        path = f"{API}/orders/{news.order_external_id}"
        with understood(OutcomeUnknown):
            after = decoded(self._door.write(path, change).words)
            mapping.version_of(after)
        said = [f"{len(missing)} parcel(s) {told}"] if missing else []
        said += [f"status set to {change['status']}"] if "status" in change else []
        if news.completes_order and "status" not in change:
            said.append(f"left as {order.text('status')}")
        return _receipt(after, news, was_there=False, message="; ".join(said) or "marked")

    def _tell_parcels(self, news: WriteBack, missing: list[WrittenParcel]) -> str:
        """Tracking where the extension is, and a note that people read."""
        order_id = news.order_external_id
        notes_path = f"{API}/orders/{order_id}/notes"
        notes = _objects(self._door.must_read(notes_path).words)
        noted = {marks.found_in_text(row.text("note")) for row in notes}
        tracked = self._tracking_numbers(order_id) if missing else None
        for parcel in missing:
            if tracked is not None and parcel.tracking_number:
                if parcel.tracking_number not in tracked:
                    path = f"{TRACKING_API}/orders/{order_id}/shipment-trackings"
                    self._door.write(path, marks.to_tracking(parcel))
                tracked.add(parcel.tracking_number)
            if parcel.reference not in noted:
                note = {"note": marks.to_note(parcel), "customer_note": news.tell_customer}
                self._door.write(notes_path, note)
        if news.note and news.reference not in noted:
            text = f"{news.note} {marks.in_text(news.reference)}"
            tells = news.tell_customer and not missing
            self._door.write(notes_path, {"note": text, "customer_note": tells})
        return "as a note" if tracked is None else "as tracking and a note"

    def _tracking_numbers(self, order_id: str) -> set[str] | None:
        """What the Shipment Tracking extension knows, or None when the shop does not have it."""
        path = f"{TRACKING_API}/orders/{order_id}/shipment-trackings"
        answer = self._door.read(path, missing=NO_ROUTE)
        if answer is None:
            return None
        return {row.text("tracking_number") for row in _objects(answer.words)}

    # --- refunds -----------------------------------------------------------------------------

    @understood(UnexpectedResponse)
    def find_refund(self, request: RefundRequest) -> RefundReceipt | None:
        """Look for our reference among the order's refunds: in their meta, else in their reason.

        None proves nothing: the gateway may have paid before the shop had written the refund.
        """
        path = f"{API}/orders/{request.order_external_id}/refunds"
        for raw in pulling.all_pages(self._door, path, params={"orderby": "id", "order": "asc"}):
            row = decoded(bytes(raw))
            refund = payments.to_refund(row, request.amount.currency)
            if refund.own_reference == request.reference:
                return payments.to_receipt(row, request.amount.currency)
        return None

    @understood(UnexpectedResponse)
    def refund(self, request: RefundRequest) -> RefundReceipt:
        """Refund at the shop; through its gateway where the setting `api_refund` says so.

        Not repeatable: the shop remembers no key, so a second call refunds a second time. What
        became of an unknown one is asked with `find_refund`.

        Raises:
            Rejected: no such order, or more than is left to refund.
            OutcomeUnknown: no answer, or the shop's gateway reported a failure that may hide a
                payment.
        """
        currency = request.amount.currency
        through_gateway = bool(self._account.settings.get("api_refund"))
        # Lines are named with their shares of the money, which the order alone knows.
        order = self._order(request.order_external_id) if request.lines else None
        path = f"{API}/orders/{request.order_external_id}/refunds"
        body = payments.to_refund_body(request, order, api_refund=through_gateway)
        answer = self._door.write(path, body, allow=frozenset({500}))
        with understood(OutcomeUnknown):
            row = decoded(answer.words)
            if answer.status_code != 500:
                return payments.to_receipt(row, currency)
            code, said = row.text("code"), row.text("message")
        if code == REFUND_FAILED and (not through_gateway or self._is_too_much(request)):
            # The shop checks the amount before it pays; without the gateway it pays nothing.
            raise Rejected(f"POST {path}: {said}", code=code)
        raise OutcomeUnknown(f"POST {path} answered 500 {code}: {said}")

    def _is_too_much(self, request: RefundRequest) -> bool:
        """Whether the order, read now, has less left to refund than was asked for.

        What cannot be read, for whatever reason, proves nothing about the refund before.
        """
        try:
            order = self._order(request.order_external_id)
        except ConnectorError:
            return False
        return payments.left_to_refund(order, request.amount.currency) < request.amount

    # --- within ------------------------------------------------------------------------------

    def _order(self, external_id: str) -> Fields:
        answer = self._door.read(f"{API}/orders/{external_id}", missing=UNKNOWN_ORDER)
        if answer is None:
            raise Rejected(f"the shop has no order {external_id}", code=UNKNOWN_ORDER)
        return decoded(answer.words)

    def _state(self, order: Fields) -> SourceState:
        return mapping.to_state(order.text("status"), self._account)

    def _webhooks(self) -> list[Fields]:
        rows = pulling.all_pages(
            self._door, f"{API}/webhooks", params={"orderby": "id", "order": "asc"}
        )
        return [decoded(bytes(row)) for row in rows]

    def _warnings(self, version: str) -> list[str]:
        numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
        found = []
        if numbers and tuple(numbers) < FIRST_WITH_MODIFIED:
            found.append(f"WooCommerce {version} cannot list by change: 5.8 or newer is needed")
        words = self._account.settings.get("status_map") or {}
        found += [
            f"status_map: {ours!r} (for {theirs!r}) is no state"
            for theirs, ours in words.items()
            if str(ours).strip().lower() not in SourceState._value2member_map_
        ]
        return found


def _objects(content: bytes) -> list[Fields]:
    try:
        rows = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise UnexpectedResponse(f"expected a list of objects: {error}") from error
    if not isinstance(rows, list):
        raise UnexpectedResponse(f"expected a list of objects, saw {content[:120]!r}")
    return [Fields(row, index=index) for index, row in enumerate(rows)]


def _receipt(order: Fields, news: WriteBack, *, was_there: bool, message: str) -> WriteBackReceipt:
    return WriteBackReceipt(
        was_there=was_there,
        external_ids=tuple(parcel.reference for parcel in news.parcels),
        message=message,
        source_version=mapping.version_of(order),
    )
