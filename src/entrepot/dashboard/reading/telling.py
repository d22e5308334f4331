"""What each event is called on a timeline: a role, an icon, and a sentence made of its data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.canon.money import Money, NotMoney
from entrepot.connect.words import explained
from entrepot.dashboard.reading.standing import EFFECTS
from entrepot.dashboard.wording import money_words, plain, sentence
from entrepot.dashboard.words_of_states import HOLD, MAIL_KIND, OWED, PARCEL
from entrepot.events.catalog import CATALOG
from entrepot.orders.states import HoldKind

Data = Mapping[str, Any]
TOLD_OF_CHANGES = {
    "changed": "has changed",
    "partly": "changed only part of",
    "refused": "would not change",
}
DISPUTE = {"dispute_won": "Dispute won", "dispute_lost": "Dispute lost"}


@dataclass(frozen=True, slots=True)
class Telling:
    """How an event is drawn and said; `is_detail` ones are left out of the compact timeline."""

    role: str
    icon: str
    words: Callable[[Data], str]
    is_detail: bool = False


def _fixed(words: str) -> Callable[[Data], str]:
    return lambda _data: words


def _amount(data: Data) -> str:
    try:
        return money_words(Money.of(str(data["amount"]), str(data["currency"])))
    except (KeyError, NotMoney):
        return str(data.get("amount", ""))


def _hold(data: Data) -> str:
    kind = str(data.get("kind", ""))
    words = HOLD.get(kind, sentence(kind))  # type: ignore[call-overload]
    about = str(data.get("about") or "")
    if kind == HoldKind.SHIPPING_UNMAPPED:  # about the provider's id and the method's name
        about = about.partition(":")[2]
    elif kind != HoldKind.UNMAPPED_SKU:
        about = ""
    return f"{words}: {about}" if about else words


def _owed(data: Data) -> str:
    kind = str(data.get("kind", ""))
    return str(OWED.get(kind, sentence(kind)))  # type: ignore[call-overload]


def _mail(data: Data) -> str:
    kind = str(data.get("kind", ""))
    return str(MAIL_KIND.get(kind, sentence(kind) or "Message"))  # type: ignore[call-overload]


def _effect(data: Data) -> str:
    kind = str(data.get("effect", ""))
    return EFFECTS.get(kind, sentence(kind) or "Effect")


def _changed(data: Data) -> str:
    if data.get("state") == "deleted":
        return "Storefront no longer has it"
    return _with_note("Storefront told something new", data, "source_status")


def _parcel(data: Data) -> str:
    return f"Parcel {data.get('tracking_number') or ''}".strip()


def _moved(data: Data) -> str:
    status = str(data.get("status", ""))
    known = PARCEL.get(status)  # type: ignore[call-overload]
    return f"{_parcel(data)}: {(known.word if known else sentence(status)).lower()}"


def _told_of(data: Data) -> str:
    """What came of asking a provider to change something it has."""
    return TOLD_OF_CHANGES.get(str(data.get("answer", "")), "answered a change of")


def _with_note(words: str, data: Data, key: str) -> str:
    said = data.get(key)
    return f"{words}: “{said}”" if said else words


def _rejected(data: Data) -> str:
    outcome = data.get("outcome")
    return _with_code(f"{_effect(data)} rejected", outcome if isinstance(outcome, Mapping) else {})


def _sent_back(data: Data) -> str:
    """A share that is open again: refused, or never handed over after all."""
    was_refused = data.get("fault") or data.get("code")
    return _with_code("Provider refused", data) if was_refused else "Not handed over"


def _with_code(words: str, data: Data) -> str:
    code = str(data.get("code") or "")
    return f"{words}: “{explained(code)}”" if code else words


TELLINGS: dict[str, Telling] = {
    "order.imported": Telling("info", "inbox", _fixed("Order imported")),
    "order.changed": Telling("neutral", "refresh", _changed),
    "order.released": Telling("info", "play", lambda d: f"Released: {plain(str(d.get('by', '')))}"),
    "order.held": Telling("warn", "hand", lambda d: f"Held. {_hold(d)}"),
    "order.hold_lifted": Telling("good", "play", lambda d: f"Hold lifted. {_hold(d)}"),
    "order.cancelled": Telling("neutral", "x", _fixed("Order cancelled")),
    "order.lines_cancelled": Telling("neutral", "x", _fixed("Units cancelled")),
    "order.reopened": Telling("warn", "refresh", _fixed("Has work again")),
    "order.address_changed": Telling("neutral", "note", _fixed("Another address applies")),
    "customer.erased": Telling("neutral", "x", _fixed("The customer was erased")),
    "order.note_added": Telling("neutral", "note", _fixed("Note added")),
    "order.tagged": Telling("neutral", "note", _fixed("Tags changed")),
    "order.fulfilled_elsewhere": Telling("info", "swap", _fixed("Others fulfilled units of it")),
    "payment.authorized": Telling("info", "card", lambda d: f"Authorized {_amount(d)}"),
    "payment.captured": Telling("good", "card", lambda d: f"Captured {_amount(d)}"),
    "payment.pending": Telling("info", "card", _fixed("Payment pending")),
    "payment.failed": Telling("warn", "card", lambda d: f"Payment refused {_amount(d)}"),
    "payment.refund_pending": Telling("info", "card", lambda d: f"Refund under way {_amount(d)}"),
    "payment.refunded": Telling("neutral", "card", lambda d: f"Refunded {_amount(d)}"),
    "payment.refund_failed": Telling("bad", "card", lambda d: f"Refund failed {_amount(d)}"),
    "payment.voided": Telling("neutral", "card", _fixed("Authorization given up")),
    "payment.disputed": Telling("warn", "card", lambda d: f"Disputed {_amount(d)}"),
    "payment.dispute_closed": Telling(
        "neutral", "card", lambda d: DISPUTE.get(str(d.get("kind", "")), "Dispute ended")
    ),
    "refund.wanted": Telling("neutral", "card", lambda d: f"Refund wanted {_amount(d)}"),
    "refund.moved": Telling(
        "neutral", "card", lambda d: f"Refund is {plain(str(d.get('to', '')))}"
    ),
    "capture.wanted": Telling("neutral", "card", lambda d: f"Capture wanted {_amount(d)}"),
    "capture.moved": Telling(
        "neutral", "card", lambda d: f"Capture is {plain(str(d.get('to', '')))}"
    ),
    "void.wanted": Telling("neutral", "card", lambda d: f"Void wanted {_amount(d)}"),
    "void.moved": Telling("neutral", "card", lambda d: f"Void is {plain(str(d.get('to', '')))}"),
    "fulfillment_order.planned": Telling("info", "map", _fixed("Routed")),
    "fulfillment_order.submitted": Telling("info", "go", _fixed("Handed to the provider")),
    "fulfillment_order.accepted": Telling("good", "check", _fixed("Provider accepted")),
    "fulfillment_order.readdressed": Telling(
        "info", "swap", lambda d: f"Provider {_told_of(d)} the address"
    ),
    "fulfillment_order.shipping_chosen": Telling(
        "neutral", "truck", lambda d: f"To go by {d.get('to', '')}, not {d.get('from', '')}"
    ),
    "fulfillment_order.shipping_answered": Telling(
        "info",
        "swap",
        lambda d: f"Provider {_told_of(d)} the shipping method: {d.get('shipping_method', '')}",
    ),
    "fulfillment_order.rejected": Telling("bad", "stop", _sent_back),
    "fulfillment_order.held": Telling("warn", "hand", _fixed("Share waits")),
    "fulfillment_order.released": Telling("info", "play", _fixed("Share goes on"), is_detail=True),
    "fulfillment_order.cancelling": Telling("info", "clock", _fixed("Provider asked to cancel")),
    "fulfillment_order.cancel_refused": Telling("warn", "hand", _fixed("Provider goes on with it")),
    "fulfillment_order.cancelled": Telling("neutral", "x", _fixed("Share cancelled")),
    "fulfillment_order.closed": Telling("good", "check", _fixed("Share complete"), is_detail=True),
    "fulfillment_order.replaced": Telling("info", "refresh", _fixed("Reship planned")),
    "shipment.recorded": Telling("good", "truck", _fixed("Goods left")),
    "shipment.voided": Telling("warn", "x", _fixed("Shipment turned out not to exist")),
    "parcel.added": Telling("info", "box", lambda d: f"Tracking {d.get('tracking_number', '')}"),
    "parcel.moved": Telling("info", "truck", _moved),
    "parcel.delivered": Telling("good", "check", lambda d: f"{_parcel(d)} delivered"),
    "parcel.presumed_delivered": Telling(
        "good", "clock", lambda d: f"{_parcel(d)} presumed delivered"
    ),
    "parcel.exception": Telling("warn", "warn", lambda d: f"{_parcel(d)}: carrier reports trouble"),
    "parcel.returned": Telling("neutral", "swap", lambda d: f"{_parcel(d)} came back"),
    "attempt.intended": Telling(
        "info", "clock", lambda d: f"{_effect(d)} intended", is_detail=True
    ),
    "attempt.called": Telling("info", "go", _fixed("Call about to leave"), is_detail=True),
    "attempt.accepted": Telling(
        "good", "check", lambda d: f"{_effect(d)} accepted", is_detail=True
    ),
    "attempt.rejected": Telling("bad", "stop", _rejected),
    "attempt.not_sent": Telling("neutral", "ring", lambda d: f"{_effect(d)} was not sent"),
    "attempt.became_unknown": Telling("unknown", "q", lambda d: f"{_effect(d)}: outcome unknown"),
    "notification.wanted": Telling(
        "info", "mail", lambda d: f"Mail wanted: {_mail(d)}", is_detail=True
    ),
    "notification.sent": Telling("info", "mail", lambda d: f"Mail sent: {_mail(d)}"),
    "notification.delivered": Telling("good", "mail", _fixed("Mail delivered"), is_detail=True),
    "notification.bounced": Telling("bad", "mail", _fixed("Mail came back")),
    "notification.skipped": Telling(
        "neutral", "mail", lambda d: f"Not told: {_mail(d)}", is_detail=True
    ),
    "obligation.opened": Telling("info", "clock", lambda d: f"Owed: {_owed(d)}", is_detail=True),
    "obligation.met": Telling("good", "check", lambda d: f"Kept: {_owed(d)}", is_detail=True),
    "obligation.waived": Telling("neutral", "x", lambda d: f"Waived: {_owed(d)}"),
    "obligation.overdue": Telling("bad", "clock", lambda d: f"Overdue: {_owed(d)}"),
    "deadletter.buried": Telling(
        "bad", "stop", lambda d: _with_note("Our own work gave up", d, "error")
    ),
    "customer.revealed": Telling(
        "neutral", "eye", _fixed("Personal data revealed"), is_detail=True
    ),
}


def telling_of(name: str) -> Telling:
    """How an event is told; one that has no words of its own by its meaning in the catalog."""
    known = TELLINGS.get(name)
    if known is not None:
        return known
    meaning = CATALOG[name].meaning if name in CATALOG else name
    return Telling("neutral", "ring", _fixed(sentence(meaning)), is_detail=True)
