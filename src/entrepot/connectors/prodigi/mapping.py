"""Prodigi's orders, quotes and refusals to canonical values; pure.

Source: Prodigi Print API reference v4.0, "Order object", "Status", "Outcomes", "Quotes", read
2026-11. Word tables keep Prodigi's own words; they are compared without regard to case, since
the reference writes them both ways (`createdWithIssues`, `CreatedWithIssues`).
"""

import re
from collections import Counter
from collections.abc import Iterable

from entrepot.canon.fulfillment import (
    Charge,
    FulfillmentRequest,
    IssueKind,
    ProviderIssue,
    ProviderOrder,
    ProviderStage,
    Quote,
    ShipmentSnapshot,
    ShipmentState,
    ShippedItem,
    content_fingerprint,
)
from entrepot.canon.places import Address
from entrepot.connect.errors import Fault, Rejected
from entrepot.connect.reading import Node
from entrepot.connect.words import explained, spoken
from entrepot.connectors.prodigi import asking

ITEM = re.compile(r"^items\[(\d+)\]")
STAGES = {
    "draft": ProviderStage.ON_HOLD,
    "onhold": ProviderStage.ON_HOLD,  # the outcome of an order in the pause window
    "on hold": ProviderStage.ON_HOLD,  # "Create order" writes the status so
    "awaitingpayment": ProviderStage.AWAITING_PAYMENT,  # a filter of the list; not seen as a stage
    "inprogress": ProviderStage.IN_PRODUCTION,
    "complete": ProviderStage.COMPLETE,
    "cancelled": ProviderStage.CANCELLED,
}

SHIPMENT_STATES = {
    "processing": ShipmentState.PROCESSING,
    "shipped": ShipmentState.SHIPPED,
    "cancelled": ShipmentState.CANCELLED,
}

# Without the leading "order.", which one sample of the reference leaves out.
ISSUES = {
    "items.assets.notdownloaded": IssueKind.ASSET_RETRYING,  # try n of 10
    "items.assets.failedtodownloaded": IssueKind.ASSET_FAILED,  # all ten; documented spelling
    "items.itemunavailable": IssueKind.ITEM_UNAVAILABLE,
    "requirespaymentauthorisation": IssueKind.PAYMENT_NEEDED,
}

# Fields inside `failures` that say where the parcel goes.
ADDRESS_FIELDS = ("recipient.address",)
# Codes inside `failures` of an answer 400. What is not listed here is the order's fault.
FAULTS: dict[str, Fault] = {
    "itemunavailable": "provider",  # Prodigi cannot make it now; another may
    "required": "order",
    "mustnotbeemptyarray": "order",
    "mustbeavaliduszipcodeformat": "order",
    # Another provider has a mapping of its own, but a wrong SKU is the merchant's slip:
    # moving on in silence would hide it, and might cost more.
    "skunotfound": "order",
}


def from_quotes(body: Node) -> list[Quote]:
    """Answer of POST /quotes -> quotes, in its order. Warnings are Prodigi's own words."""
    quotes = []
    for row in body["quotes"]:
        summary = row["costSummary"]
        items, shipping = summary["items"].money(), summary["shipping"].money()
        tax = None if summary["totalTax"].is_null else summary["totalTax"].money()
        total = items + shipping if tax is None else items + shipping + tax
        if not summary["totalCost"].is_null:
            total = summary["totalCost"].money()
        quotes.append(
            Quote(
                shipping_method=row["shipmentMethod"].text(),
                items=items,
                shipping=shipping,
                tax=tax,
                total=total,
                warnings=tuple(
                    issue["description"].text_or_empty() or issue["errorCode"].text()
                    for issue in row["issues"]
                ),
            )
        )
    return quotes


def to_provider_order(
    order: Node, *, reference: str = "", is_replay: bool = False
) -> ProviderOrder:
    """An order as Prodigi shows it -> canonical.

    An order in the pause window comes with its id alone: it is on hold, and `reference`, which the
    caller knows, stands in for the one that is not echoed.

    Raises:
        ValueError: with the path of the field that cannot be read.
    """
    names = _item_names(order)
    issues = [*_told_issues(order, names), *_failed_details(order)]
    shipments = _shipments(order, names)
    stage, source_stage = _stage(order)
    if stage is ProviderStage.IN_PRODUCTION and any(
        issue.kind is IssueKind.PAYMENT_NEEDED for issue in issues
    ):
        stage = ProviderStage.AWAITING_PAYMENT
    if stage is not ProviderStage.CANCELLED:
        issues += _partly_cancelled(shipments)
    return ProviderOrder(
        external_id=order["id"].text(),
        reference=order["merchantReference"].text_or_empty() or reference,
        stage=stage,
        source_stage=source_stage,
        updated_at=order["lastUpdated"].instant_or_none(),
        issues=tuple(issues),
        shipments=shipments,
        charges=tuple(_charge(row) for row in order["charges"]),
        fingerprint=_fingerprint(order),
        shipping_method=order["shippingMethod"].text_or_empty(),
        item_ids=tuple((name, item_id) for item_id, name in names.items()),
        is_replay=is_replay,
    )


def sent_fingerprint(request: FulfillmentRequest) -> str:
    """The fingerprint that Prodigi's echo of this request has.

    It differs from the request's own where Prodigi has no field (a company rides in line 2).
    """
    return _fingerprint(Node(asking.to_order(request), ""))


def refusal(body: Node) -> Rejected:
    """Answer 400 -> what was refused, by field and code; values are personal and stay out.

    It is the provider's fault only if each single failure is, and likewise the address's.
    """
    found: list[tuple[str, str]] = []
    failures = body["failures"].value
    if isinstance(failures, dict):
        for field, rows in failures.items():
            for row in rows if isinstance(rows, list) else [rows]:
                code = row.get("code") if isinstance(row, dict) else row
                found.append((field, str(code)))
    outcome = body["outcome"].value or body["statusText"].value or "refused"
    if not found:
        return Rejected(f"Prodigi refused: {outcome}", code=str(outcome))
    faults = {_fault(field, code) for field, code in found}
    said = "; ".join(_said(field, code) for field, code in found)
    return Rejected(
        f"Prodigi refused: {said}",
        code=found[0][1],
        fault=faults.pop() if len(faults) == 1 else "order",
    )


def _said(field: str, code: str) -> str:
    """A failure in words, with Prodigi's own beside them: a person may have to ask there."""
    *_, last = field.split(".")
    item = ITEM.search(field)
    of_item = f" of item {int(item[1]) + 1}" if item else ""
    words = spoken(code)
    wrong = code.lower() if words == code else words
    return f"{spoken(last)}{of_item}: {wrong} ({field}: {code})"


def _fault(field: str, code: str) -> Fault:
    if field.casefold().startswith(ADDRESS_FIELDS):
        return "address"
    return FAULTS.get(code.casefold(), "order")


def outcome_of(body: Node) -> str:
    """The outcome in lower case; empty when there is none."""
    value = body["outcome"].value
    return value.casefold() if isinstance(value, str) else ""


def outcome_words(body: Node) -> str:
    """The outcome as a person reads it, with Prodigi's own word beside it."""
    outcome = body["outcome"].text_or_empty()
    words = explained(outcome)
    return outcome.lower() if words == outcome else words


def _stage(order: Node) -> tuple[ProviderStage, str]:
    status = order["status"]
    if status.is_null:
        return ProviderStage.ON_HOLD, ""  # an id alone: the pause window
    word = status.text() if isinstance(status.value, str) else status["stage"].text()
    return STAGES.get(word.casefold(), ProviderStage.UNKNOWN), word


def _item_names(order: Node) -> dict[str, str]:
    """Their item id -> our reference, or theirs again for items that we did not name."""
    return {
        item["id"].text(): item["merchantReference"].text_or_empty() or item["id"].text()
        for item in order["items"]
        if not item["id"].is_null
    }


def _told_issues(order: Node, names: dict[str, str]) -> Iterable[ProviderIssue]:
    if not isinstance(order["status"].value, str):  # an order on hold has a word there
        yield from (_issue(row, names) for row in order["status"]["issues"])


def _issue(row: Node, names: dict[str, str]) -> ProviderIssue:
    code = row["errorCode"].text()
    return ProviderIssue(
        kind=ISSUES.get(code.casefold().removeprefix("order."), IssueKind.OTHER),
        code=code,
        message=row["description"].text_or_empty(),
        item_reference=names.get(row["objectId"].text_or_empty(), ""),
        action_url=row["authorisationDetails"]["authorisationUrl"].text_or_empty(),
    )


def _failed_details(order: Node) -> Iterable[ProviderIssue]:
    """Steps that say Error, unless an issue already explains the order."""
    status = order["status"]
    if not isinstance(status.value, dict) or status["issues"].value:
        return
    details = status["details"].value
    for name, word in details.items() if isinstance(details, dict) else ():
        if isinstance(word, str) and word.casefold() == "error":
            code = f"status.details.{name}"
            yield ProviderIssue(kind=IssueKind.OTHER, code=code, message=f"{spoken(name)}: {word}")


def _shipments(order: Node, names: dict[str, str]) -> tuple[ShipmentSnapshot, ...]:
    """Shipments with units per item.

    Prodigi names the items of a shipment without counts. An item in one live shipment is there with
    all its copies; one in several is shared out evenly, the rest to the earlier ones, so that the
    units never exceed what was ordered. A cancelled shipment counts only where no live one has the
    item (a lab that could not do it hands it to another).
    """
    copies = {
        item["id"].text(): item["copies"].whole() for item in order["items"] if item["id"].value
    }
    rows = list(order["shipments"])
    states = [_shipment_state(row) for row in rows]
    held = [list(dict.fromkeys(item["itemId"].text() for item in row["items"])) for row in rows]
    live = Counter(
        item_id
        for state, ids in zip(states, held, strict=True)
        if state is not ShipmentState.CANCELLED
        for item_id in ids
    )
    shares = {item_id: _shares(copies.get(item_id, 0), count) for item_id, count in live.items()}
    shipments = []
    for row, state, ids in zip(rows, states, held, strict=True):
        items = []
        for item_id in ids:
            if item_id not in copies:
                raise ValueError(f"{row.path}.items: an item that the order does not have")
            if state is not ShipmentState.CANCELLED:
                quantity = shares[item_id].pop(0)
            else:
                quantity = 0 if live[item_id] else copies[item_id]
            if quantity:
                items.append(ShippedItem(item_reference=names[item_id], quantity=quantity))
        shipments.append(_shipment(row, state, tuple(items)))
    return tuple(shipments)


def _shares(copies: int, count: int) -> list[int]:
    whole, rest = divmod(copies, count)
    return [whole + (index < rest) for index in range(count)]


def _shipment_state(row: Node) -> ShipmentState:
    word = row["status"].text_or_empty()
    if not word and row["cancelled"].value is True:  # "Cancel an order" describes this older flag
        return ShipmentState.CANCELLED
    return SHIPMENT_STATES.get(word.casefold(), ShipmentState.UNKNOWN)


def _shipment(row: Node, state: ShipmentState, items: tuple[ShippedItem, ...]) -> ShipmentSnapshot:
    return ShipmentSnapshot(
        external_id=row["id"].text(),
        state=state,
        carrier=row["carrier"]["name"].text_or_empty(),
        service=row["carrier"]["service"].text_or_empty(),
        tracking_number=row["tracking"]["number"].text_or_empty(),
        tracking_url=row["tracking"]["url"].text_or_empty(),
        shipped_at=row["dispatchDate"].instant_or_none(),
        items=items,
    )


def _partly_cancelled(shipments: tuple[ShipmentSnapshot, ...]) -> Iterable[ProviderIssue]:
    """One case per item of a shipment that was cancelled while the order goes on."""
    for shipment in shipments:
        if shipment.state is not ShipmentState.CANCELLED:
            continue
        for item in shipment.items:
            yield ProviderIssue(
                kind=IssueKind.PARTLY_CANCELLED,
                code="shipments.Cancelled",
                message=f"{item.quantity} units of {shipment.external_id} were cancelled",
                item_reference=item.item_reference,
                units=item.quantity,
            )


def _charge(row: Node) -> Charge:
    return Charge(
        external_id=row["id"].text(),
        kind=row["chargeType"].text_or_empty().lower() or "charge",  # older answers leave it out
        amount=row["totalCost"].money(),
    )


def _fingerprint(order: Node) -> str:
    """Of the echoed recipient and items; empty when the answer does not have both."""
    recipient, address = order["recipient"], order["recipient"]["address"]
    items = list(order["items"])
    if not address.value or not items:
        return ""
    place = Address(
        name=recipient["name"].text_or_empty(),
        line1=address["line1"].text_or_empty(),
        line2=address["line2"].text_or_empty(),
        city=address["townOrCity"].text_or_empty(),
        region=address["stateOrCounty"].text_or_empty(),
        postal_code=address["postalOrZipCode"].text_or_empty(),
        country=address["countryCode"].text_or_empty(),
    )
    counts = tuple((item["sku"].text(), item["copies"].whole()) for item in items)
    return content_fingerprint(recipient=place, counts=counts)
