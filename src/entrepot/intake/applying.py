"""Applies a batch of understood messages in one transaction, set-based where there are many.

Facts commute, so the order of messages does not matter; orders are locked first, by id.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from entrepot.canon.catalog import ProductDeleted, ProductSnapshot
from entrepot.canon.fulfillment import ProviderOrder
from entrepot.canon.messages import CanonicalItem, CheckoutNews, Flow, Hint, Ignored
from entrepot.canon.orders import OrderDeleted, OrderSnapshot, SourceState
from entrepot.canon.payments import PaymentFact
from entrepot.canon.tracking import TrackerSnapshot
from entrepot.catalog.services import apply_products, remove_product
from entrepot.connections.models import Connection
from entrepot.events import outbox
from entrepot.fulfillment import elsewhere
from entrepot.fulfillment.progress import ProviderNews, apply_provider_orders
from entrepot.fulfillment.tracking import TrackerNews, apply_trackers
from entrepot.inbox.services import Finished
from entrepot.inbox.states import Outcome
from entrepot.intake import hints
from entrepot.intake.understanding import Known, Understood
from entrepot.intake.unproved import about_ours
from entrepot.orders.models import Order
from entrepot.orders.policy import OrderPolicy
from entrepot.orders.review import review_orders
from entrepot.orders.rows import content_hash
from entrepot.orders.snapshots import (
    AppliedOrder,
    IncomingOrder,
    Verdict,
    apply_orders,
    mark_deleted,
)
from entrepot.payments import authorizations, checkouts, ledger, refunds, taken_back
from entrepot.payments.ledger import IncomingFact
from entrepot.payments.taken_back import Telling

Item = TypeVar("Item", PaymentFact, ProviderOrder, TrackerSnapshot)

OUTCOME_OF_VERDICT = {
    Verdict.NEW: Outcome.APPLIED,
    Verdict.CHANGED: Outcome.APPLIED,
    Verdict.REPEATED: Outcome.STALE,
    Verdict.STALE: Outcome.STALE,
    Verdict.TIED: Outcome.HINT,
}
PARTS: dict[str, tuple[type, ...]] = {
    "sales": (OrderSnapshot, CheckoutNews),
    "shares": (ProviderOrder,),
    "parcels": (TrackerSnapshot,),
    "money": (PaymentFact,),
}
WORDS_OF_VERDICT = {
    Verdict.REPEATED: "nothing new in it",
    Verdict.STALE: "older than what we knew",
    Verdict.TIED: "same version, other content: read again",
}


class ReusedIdentity(Exception):
    """An id that the account gave out before names another sale now."""

    def __init__(self, snapshot: OrderSnapshot) -> None:
        super().__init__(
            f"order id {snapshot.external_id} was given out before, to another sale: the shop was"
            " probably set up anew; add it as another account"
        )


class Raced(Exception):
    """Somebody else made the same order at the same moment; applying again finds it."""


@dataclass(frozen=True, slots=True)
class _Sale:
    message: Understood
    incoming: IncomingOrder


def parted(messages: Sequence[Understood]) -> list[list[Understood]]:
    """Messages in parts to apply one after another: sales, shares, parcels, money, all others.

    Each part locks its orders at once, by id, as every other decision does: nobody who holds an
    order waits for another lot.
    """
    parts: dict[str, list[Understood]] = {}
    for message in messages:
        parts.setdefault(_part_of(message), []).append(message)
    return list(parts.values())


def _part_of(message: Understood) -> str:
    for part, kinds in PARTS.items():
        if any(isinstance(item, kinds) for item in message.items):
            return part
    return "others"


def apply(messages: Sequence[Understood]) -> list[Finished]:
    """Apply a batch in the open system scope and say how each message ended.

    Raises:
        ReusedIdentity, Raced: for the one message at fault when it is alone; the caller applies a
            failed batch one by one.
    """
    messages = about_ours(messages)
    sales = [sale for message in messages for sale in _sales_of(message)]
    applied = apply_orders([sale.incoming for sale in sales])
    _check(sales, applied)
    facts = [*_facts_of_orders(sales, applied), *_loose_facts(messages)]
    facts += taken_back.refunds_taken_back(_tellings(sales, applied))
    paid = ledger.record_facts(facts)
    paid += ledger.match_waiting(_claims(sales, applied))
    refunds.note_facts(sorted(set(paid)))
    authorizations.note_facts(sorted(set(paid)))
    checkouts.link_orders(
        (sale.incoming.merchant_id, sale.incoming.snapshot.checkout_reference, result.order_id)
        for sale, result in zip(sales, applied, strict=True)
        if sale.incoming.snapshot.checkout_reference and result.order_id
    )
    moved = [
        (sale.incoming, result)
        for sale, result in zip(sales, applied, strict=True)
        if result.verdict in (Verdict.NEW, Verdict.CHANGED)
    ]
    elsewhere.note_completed(moved)
    elsewhere.note_reopened(moved)
    changed = [r.order_id for r in applied if r.verdict in (Verdict.NEW, Verdict.CHANGED)]
    new = [r.order_id for r in applied if r.verdict is Verdict.NEW]
    to_review = sorted({order_id for order_id in [*changed, *paid] if order_id is not None})
    review_orders(
        to_review,
        policies=_policies(messages, to_review),
        new_ids=[order_id for order_id in new if order_id is not None],
    )
    outcomes = _outcomes_of_orders(sales, applied)
    apply_provider_orders(_provider_news(messages))
    apply_trackers(_tracker_news(messages))
    rereads: list[hints.Reread] = []
    for message in messages:
        for item in message.items:
            _apply_other(message, item, rereads)
    rereads += [
        _reread(sale.message, _flow_of(sale), sale.incoming.snapshot.external_id)
        for sale, result in zip(sales, applied, strict=True)
        if result.verdict is Verdict.TIED
    ]
    hints.ask(rereads)
    return [outcomes.get(m.claimed.message_id) or _outcome(m) for m in messages]


def _sales_of(message: Understood) -> list[_Sale]:
    sales = []
    for item, encoded in zip(message.items, message.encoded, strict=True):
        if isinstance(item, OrderSnapshot):
            # A gateway makes orders only out of checkouts that the hub itself opened.
            if item.state is not SourceState.DRAFT and not message.known.is_gateway:
                sales.append(_sale(message, item, encoded))
        elif isinstance(item, CheckoutNews):
            claimed = message.claimed
            snapshot = checkouts.apply_news(
                claimed.merchant_id, item, connection_id=claimed.connection_id, mode=claimed.mode
            )
            if snapshot is not None:
                sales.append(_sale(message, snapshot))
    return sales


def _sale(message: Understood, snapshot: OrderSnapshot, encoded: bytes = b"") -> _Sale:
    hashed = content_hash(snapshot, encoded=encoded)
    return _Sale(message, _incoming(message, snapshot, hashed))


def _incoming(message: Understood, snapshot: OrderSnapshot, hashed: str) -> IncomingOrder:
    claimed, known = message.claimed, message.known
    return IncomingOrder(
        snapshot=snapshot,
        content_hash=hashed,
        merchant_id=claimed.merchant_id,
        connection_id=claimed.connection_id,
        account=known.account_name,
        connection_mode=claimed.mode,
        policy=known.policy,
        message_id=claimed.message_id,
        read_at=claimed.received_at,
        is_reread=claimed.source == "poll",
    )


def _check(sales: Sequence[_Sale], applied: Sequence[AppliedOrder]) -> None:
    for sale, result in zip(sales, applied, strict=True):
        if result.verdict is Verdict.REUSED:
            raise ReusedIdentity(sale.incoming.snapshot)
        if result.verdict is Verdict.RACED:
            raise Raced


def _facts_of_orders(sales: Sequence[_Sale], applied: Sequence[AppliedOrder]) -> list[IncomingFact]:
    return [
        _fact(sale.message, fact, mode=sale.incoming.mode, order_id=result.order_id)
        for sale, result in zip(sales, applied, strict=True)
        for fact in sale.incoming.snapshot.payment_facts
    ]


def _tellings(sales: Sequence[_Sale], applied: Sequence[AppliedOrder]) -> list[Telling]:
    """What sources say of orders that we knew; nothing of what is old, or has to be read again."""
    return [
        Telling(
            snapshot=sale.incoming.snapshot,
            merchant_id=sale.incoming.merchant_id,
            mode=sale.incoming.mode,
            account=sale.incoming.account,
            connection_id=sale.incoming.connection_id,
            order_id=result.order_id,
            message_id=sale.incoming.message_id,
            read_at=sale.incoming.read_at,
        )
        for sale, result in zip(sales, applied, strict=True)
        if result.order_id is not None and result.verdict in (Verdict.CHANGED, Verdict.REPEATED)
    ]


def _loose_facts(messages: Sequence[Understood]) -> list[IncomingFact]:
    return [
        _fact(message, fact, mode=message.claimed.mode, order_id=None)
        for message, fact in _each(messages, PaymentFact)
    ]


def _fact(
    message: Understood, fact: PaymentFact, *, mode: str, order_id: int | None
) -> IncomingFact:
    return IncomingFact(
        fact=fact,
        merchant_id=message.claimed.merchant_id,
        mode=mode,
        account=message.known.account_name,
        connection_id=message.claimed.connection_id,
        is_from_gateway=message.known.is_gateway,
        message_id=message.claimed.message_id,
        order_id=order_id,
    )


def _claims(sales: Sequence[_Sale], applied: Sequence[AppliedOrder]) -> list[dict[str, object]]:
    return [
        {
            "order_id": result.order_id,
            "merchant_id": sale.incoming.merchant_id,
            "mode": sale.incoming.mode,
            "ids": list(sale.incoming.snapshot.transaction_ids),
            "checkout_reference": sale.incoming.snapshot.checkout_reference,
        }
        for sale, result in zip(sales, applied, strict=True)
        if result.order_id is not None and result.verdict in (Verdict.NEW, Verdict.CHANGED)
    ]


def _policies(messages: Sequence[Understood], order_ids: Sequence[int]) -> dict[int, OrderPolicy]:
    """Policies by storefront connection: those of the batch, and of orders that money came for."""
    known = {message.claimed.connection_id: message.known.policy for message in messages}
    storefronts = set(
        Order.objects.filter(id__in=order_ids).values_list("connection_id", flat=True)
    )
    for connection in Connection.objects.filter(id__in=storefronts - set(known)):
        known[connection.id] = Known.of(connection).policy
    return known


def _outcomes_of_orders(
    sales: Sequence[_Sale], applied: Sequence[AppliedOrder]
) -> dict[int, Finished]:
    outcomes: dict[int, Finished] = {}
    for sale, result in zip(sales, applied, strict=True):
        message_id = sale.message.claimed.message_id
        outcomes[message_id] = Finished(
            message_id=message_id,
            outcome=OUTCOME_OF_VERDICT[result.verdict],
            reason=WORDS_OF_VERDICT.get(result.verdict, ""),
            order_id=result.order_id,
        )
    return outcomes


def _provider_news(messages: Sequence[Understood]) -> list[ProviderNews]:
    return [
        ProviderNews(
            merchant_id=message.claimed.merchant_id,
            connection_id=message.claimed.connection_id,
            answer=answer,
            cause=f"inbox:{message.claimed.message_id}",
        )
        for message, answer in _each(messages, ProviderOrder)
    ]


def _tracker_news(messages: Sequence[Understood]) -> list[TrackerNews]:
    return [
        TrackerNews(
            merchant_id=message.claimed.merchant_id,
            mode=message.claimed.mode,
            connection_id=message.claimed.connection_id,
            tracker=tracker,
            cause=f"inbox:{message.claimed.message_id}",
        )
        for message, tracker in _each(messages, TrackerSnapshot)
    ]


def _each(messages: Sequence[Understood], kind: type[Item]) -> Iterator[tuple[Understood, Item]]:
    """The items of a kind, each with its message."""
    for message in messages:
        for item in message.items:
            if isinstance(item, kind):
                yield message, item


def _apply_other(message: Understood, item: CanonicalItem, rereads: list[hints.Reread]) -> None:
    claimed = message.claimed
    with outbox.because(cause=f"inbox:{claimed.message_id}"):
        match item:
            case ProductSnapshot():
                apply_products(claimed.merchant_id, claimed.connection_id, snapshots=[item])
            case ProductDeleted():
                remove_product(
                    claimed.merchant_id, claimed.connection_id, external_id=item.external_id
                )
            case OrderDeleted():
                mark_deleted(
                    claimed.merchant_id,
                    account=message.known.account_name,
                    external_id=item.external_id,
                    at=claimed.received_at,
                )
            case Hint():
                rereads.append(_reread(message, item.flow, item.external_id))
            case OrderSnapshot() | CheckoutNews() | PaymentFact() | ProviderOrder():
                return  # applied by now, with all others of their kind
            case TrackerSnapshot() | Ignored():
                return  # likewise, or nothing to do


def _flow_of(sale: _Sale) -> Flow:
    """Where an order is read again: one that a gateway sold is a checkout over there."""
    return Flow.CHECKOUTS if sale.message.known.is_gateway else Flow.ORDERS


def _reread(message: Understood, flow: Flow, external_id: str) -> hints.Reread:
    return hints.Reread(
        merchant_id=message.claimed.merchant_id,
        connection_id=message.claimed.connection_id,
        flow=flow,
        external_id=external_id,
        cause=f"inbox:{message.claimed.message_id}",
    )


def _outcome(message: Understood) -> Finished:
    ignored = [item.reason for item in message.items if isinstance(item, Ignored)]
    if message.items and all(isinstance(item, Hint) for item in message.items):
        outcome, reason = Outcome.HINT, "read again with our own credentials"
    elif len(ignored) == len(message.items):
        outcome, reason = Outcome.IGNORED, "; ".join(ignored) or "nothing in it"
    else:
        outcome, reason = Outcome.APPLIED, ""
    return Finished(message_id=message.claimed.message_id, outcome=outcome, reason=reason)
