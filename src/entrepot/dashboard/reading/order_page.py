"""Everything that the page of one order shows, beside its shares and its timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from entrepot.access.crypto import CannotDecrypt
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFactKind
from entrepot.canon.places import Address
from entrepot.connect.towns import town_lines
from entrepot.connect.words import spoken
from entrepot.customers.queries import address_of, customer_of, email_of
from entrepot.dashboard.reading.beside import Beside
from entrepot.dashboard.reading.owed import word_of
from entrepot.dashboard.reading.shell import names_of_actors
from entrepot.dashboard.wording import (
    Chip,
    country_name,
    duration_words,
    masked_email,
    masked_phone,
    plain,
    sentence,
)
from entrepot.dashboard.words_of_states import MAIL, MAIL_KIND, chip_of, words_of_hold
from entrepot.notifications.models import Mail
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Hold, Order, TaxLine
from entrepot.payments.authorizations import ENDS
from entrepot.payments.models import PaymentEntry, PaymentWish, Refund
from entrepot.payments.states import WishStatus

SIGNS = {
    PaymentFactKind.CAPTURED: 1,
    PaymentFactKind.REFUNDED: -1,
    PaymentFactKind.DISPUTE_LOST: -1,
}
SAID = {
    PaymentFactKind.PENDING: "Pending",
    PaymentFactKind.AUTHORIZED: "Authorized",
    PaymentFactKind.CAPTURED: "Captured",
    PaymentFactKind.FAILED: "Failed",
    PaymentFactKind.VOIDED: "Authorization given up",
    PaymentFactKind.REFUND_PENDING: "Refund under way",
    PaymentFactKind.REFUNDED: "Refunded",
    PaymentFactKind.REFUND_FAILED: "Refund failed",
    PaymentFactKind.DISPUTED: "Disputed",
    PaymentFactKind.DISPUTE_WON: "Dispute won",
    PaymentFactKind.DISPUTE_LOST: "Dispute lost",
    PaymentFactKind.REVIEW_OPENED: "Under review",
    PaymentFactKind.REVIEW_CLOSED: "Review closed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of the ledger; the amount has the sign of its direction.

    `code` is the reason as a platform wrote it, where `reason` says it in words.
    """

    words: str
    reason: str
    code: str
    external_id: str
    at: datetime
    amount: Money
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What happened to the order's money, and what is held of it."""

    where: str
    facts: list[Fact]
    disputed: Money
    held: Money
    wanted: list[Refund] = field(default_factory=list)
    wishes: list[PaymentWish] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One line of the totals as the source told them."""

    words: str
    amount: Money
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message to the customer."""

    id: int
    chip: Chip
    at: datetime
    subject: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A promise of the order: open with its deadline, or how it ended."""

    id: int
    word: str
    due_at: datetime
    is_open: bool
    is_overdue: bool
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The buyer, as much of them as the viewer may see."""

    id: int | None
    name: str
    nth: int
    language: str
    email: str
    phone: str
    is_revealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where it goes: lines of the address, and whether that is what the customer typed."""

    lines: list[str]
    typed: list[str]
    is_edited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A note and who wrote it."""

    author: str
    at: datetime
    text: str


def ledger_of(order: Order, near: Beside, *, names: Mapping[int, str]) -> Ledger:
    """The order's payment facts, the oldest first."""
    rows = list(PaymentEntry.objects.filter(order_id=order.id).order_by("happened_at", "id"))
    ended = {row.payment_external_id for row in rows if row.kind in ENDS}
    facts = [_fact(row, is_open=row.payment_external_id not in ended) for row in rows]
    has_authorized = any(row.kind == PaymentFactKind.AUTHORIZED for row in rows)
    last4 = next((row.card_last4 for row in rows if row.card_last4), "")
    gateway = next((names.get(row.connection_id, "") for row in rows if row.is_from_gateway), "")
    held = order.amount_captured - order.amount_refunded - order.amount_disputed
    return Ledger(
        where=", ".join(
            filter(
                None,
                [
                    gateway or order.payment_title or order.payment_method,
                    f"card ending {last4}" if last4 else "",
                ],
            )
        ),
        facts=facts,
        disputed=Money(order.amount_disputed, order.currency),
        held=Money(held, order.currency),
        wanted=near.refunds,
        wishes=_wishes(order.id) if has_authorized else [],
    )


def _wishes(order_id: int) -> list[PaymentWish]:
    """Captures and voids under way."""
    rows = PaymentWish.objects.filter(order_id=order_id, status=WishStatus.WANTED)
    return list(rows.order_by("number"))


def _fact(row: PaymentEntry, *, is_open: bool) -> Fact:
    kind = PaymentFactKind(row.kind)
    waits = kind is PaymentFactKind.AUTHORIZED and is_open
    sign = SIGNS.get(kind, 1)
    return Fact(
        words="Authorized, not captured" if waits else SAID[kind],
        reason=spoken(row.reason),
        code=row.reason if spoken(row.reason) != row.reason else "",
        external_id=row.external_id,
        at=row.happened_at,
        amount=Money(row.amount * sign, row.currency),
        counts=row.counts,
    )


def totals_of(order: Order, near: Beside) -> list[Total]:
    """The totals as the source told them; parts that are zero are left out."""
    currency = order.currency
    parts = [Total(words="Lines", amount=Money(order.total_lines, currency))]
    codes = [
        str(row.get("code") or row.get("title") or "")
        for row in order.discounts
        if isinstance(row, dict)
    ]
    if order.total_discount:
        words = " ".join(["Discount", *filter(None, codes)])
        parts.append(Total(words=words, amount=Money(-order.total_discount, currency)))
    if order.total_shipping or order.shipping_title:
        title = f"Shipping, “{order.shipping_title}”" if order.shipping_title else "Shipping"
        parts.append(Total(words=title, amount=Money(order.total_shipping, currency)))
    if order.total_fees:
        parts.append(Total(words="Fees", amount=Money(order.total_fees, currency)))
    taxes = [_tax(row, currency) for row in near.taxes]
    added = [tax for tax, is_included in taxes if not is_included]
    included = [tax for tax, is_included in taxes if is_included]
    whole = Total(words="Total", amount=Money(order.total, currency), is_total=True)
    if not taxes and order.total_tax:
        rest = Total(words="Tax", amount=Money(order.total_tax, currency))
        (included if order.prices_include_tax else added).append(rest)
    return [*parts, *_summed(added), whole, *_summed(included)]


def _tax(row: TaxLine, currency: str) -> tuple[Total, bool]:
    rate = f" {(row.rate * 100).normalize():f}\N{NO-BREAK SPACE}%" if row.rate else ""
    said = f"{row.name}{rate}{', included' if row.is_included else ''}"
    return Total(words=said, amount=Money(row.amount, currency)), row.is_included


def _summed(taxes: list[Total]) -> list[Total]:
    """Taxes of one name and rate as one line."""
    sums: dict[str, Money] = {}
    for tax in taxes:
        sums[tax.words] = sums[tax.words] + tax.amount if tax.words in sums else tax.amount
    return [Total(words=words, amount=amount) for words, amount in sums.items()]


def mails_of(order_id: int) -> list[Sent]:
    """What the customer was told or will be, the newest first."""
    rows = Mail.objects.filter(order_id=order_id).order_by("-id")[:30]
    return [
        Sent(
            id=row.id,
            chip=chip_of(MAIL, row.status),
            at=row.sent_at or row.send_after,
            subject=row.subject,
            kind=str(MAIL_KIND.get(row.kind, sentence(row.kind))),  # type: ignore[call-overload]
            reason=row.reason,
        )
        for row in rows
    ]


def promises_of(order_id: int) -> list[Obligation]:
    """The order's promises, the newest first."""
    return list(Obligation.objects.filter(order_id=order_id).order_by("-id"))


def owed_of(promises: Sequence[Obligation], now: datetime) -> list[Owed]:
    """The order's promises: open ones by deadline, then those that ended, the newest first."""
    rows = list(promises[:40])
    rows.sort(key=lambda row: (bool(row.end), row.due_at if not row.end else now, -row.id))
    return [
        Owed(
            id=row.id,
            word=word_of(row.kind),
            due_at=row.due_at,
            is_open=not row.end,
            is_overdue=not row.end and row.due_at < now,
            ended=_ended(row),
        )
        for row in rows
    ]


def _ended(row: Obligation) -> str:
    if not row.end or row.ended_at is None:
        return ""
    if row.end != "met":
        return row.end
    late = row.ended_at - row.due_at
    if late > timedelta(0):
        return f"met {duration_words(late)} late"
    return f"met in {duration_words(row.ended_at - row.opened_at)}"


def holds_of(order_id: int) -> list[Hold]:
    """The order's open holds, the oldest first."""
    return list(
        Hold.objects.filter(order_id=order_id, lifted_at__isnull=True).order_by("opened_at", "id")
    )


def hold_words(hold: Hold) -> str:
    """A hold's reason as a fact."""
    return words_of_hold(hold.kind, hold.about, reason=hold.reason)


def person_of(order: Order, near: Beside, *, may_see: bool, is_revealed: bool) -> Person:
    """The buyer; e-mail address and telephone are masked until revealed."""
    customer = customer_of(order.customer_id)
    address = address_of(order.address_id)
    name = address.name or (customer.name if customer else "")
    phone = address.phone or (customer.phone if customer else "")
    email = _email(order.customer_id)
    shown = may_see and is_revealed
    return Person(
        id=order.customer_id,
        name=name if may_see else "",
        nth=near.earlier + 1 if order.customer_id is not None else 0,
        language=customer.language if customer else "",
        email=email if shown else masked_email(email) if email else "",
        phone=phone if shown else masked_phone(phone),
        is_revealed=shown,
    )


def _email(customer_id: int | None) -> str:
    try:
        return email_of(customer_id)
    except CannotDecrypt:
        return ""


def destination_of(order: Order, *, may_see: bool) -> Destination:
    """Where it goes; without leave to see personal data only town and country."""
    applies, typed = address_of(order.address_id), address_of(order.typed_address_id)
    return Destination(
        lines=_lines(applies, may_see=may_see),
        typed=_lines(typed, may_see=may_see),
        is_edited=order.typed_address_id is not None and order.address_id != order.typed_address_id,
    )


def _lines(address: Address, *, may_see: bool) -> list[str]:
    if address.is_empty:
        return []
    country = country_name(address.country)
    if not may_see:
        return list(filter(None, [address.city, address.region, country]))
    street = [address.company, address.line1, address.line2]
    return list(filter(None, [*street, *town_lines(address), country]))


def notes_of(order: Order, near: Beside) -> list[Written]:
    """What people and the customer wrote, the newest first."""
    rows = near.notes
    people = names_of_actors({row.author for row in rows})
    written = [
        Written(author=people.get(row.author, row.author), at=row.written_at, text=row.text)
        for row in rows
    ]
    if order.customer_note:
        written.append(
            Written(author="From the storefront", at=order.placed_at, text=order.customer_note)
        )
    return written


def agrees(order: Order) -> str:
    """Whether our total is the source's: a difference is said, never hidden."""
    difference = order.total - order.computed_total
    if abs(difference) < Decimal("0.005"):
        return ""
    return f"our own sum differs by {Money(difference, order.currency).rounded()}"


def source_words(order: Order) -> str:
    """The storefront's own word for the order's state."""
    return plain(order.source_status or order.source_state)
