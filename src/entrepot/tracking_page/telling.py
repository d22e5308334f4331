"""Puts parcels into the customer's words: promise, steps, news, and the page's first sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from entrepot.canon.carriers import carrier_name
from entrepot.canon.tracking import ParcelStatus
from entrepot.fulfillment.losses import FAILED
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment, TrackingEntry
from entrepot.fulfillment.states import Status
from entrepot.orders.models import Order
from entrepot.tracking_page.cards import ARRIVED, CAME_AGAIN, LOOKS, Card, Cards, Item, News, Step
from entrepot.tracking_page.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A parcel that has left, with how it looks: chip, icon, role, and group of the headline."""

    shipment: Shipment
    box: Parcel
    scans: Sequence[TrackingEntry]
    status: ParcelStatus
    word: str
    icon: str
    role: str
    group: str
    carrier: str
    again: str

    @property
    def promised(self) -> datetime | None:
        return self.box.promised_at or self.box.estimated_delivery_at

    @property
    def expected(self) -> datetime | None:
        return self.box.estimated_delivery_at or self.box.promised_at


class Teller:
    """Puts one parcel into the customer's words."""

    def __init__(self, order: Order, share: FulfillmentOrder | None, voice: Voice) -> None:
        self._order = order
        self._share = share
        self._voice = voice

    @property
    def _is_by_hand(self) -> bool:
        return self._share is not None and self._share.is_by_hand

    def _confirmed(self, state: str = "done") -> Step:
        at = self._order.released_at or self._order.placed_at
        return Step(self._voice.say("step.confirmed"), self._voice.short(at), state)

    def _made_word(self) -> str:
        return self._voice.say("step.packed" if self._is_by_hand else "step.made")

    def received(self, number: int, items: tuple[Item, ...]) -> Card:
        """Units that nobody works on yet."""
        voice = self._voice
        is_unpaid = self._order.released_at is None and not self._order.is_held
        return Card(
            number=number,
            group="made",
            chip=voice.say("chip.unpaid" if is_unpaid else "chip.received"),
            icon="clock",
            role="neutral",
            promise=voice.say("pay_first" if is_unpaid else "checking"),
            note="",
            steps=(
                self._confirmed("" if is_unpaid else "now"),
                *(
                    Step(voice.say(f"step.{key}"))
                    for key in ("made", "shipped", "out", "delivered")
                ),
            ),
            items=items,
            is_begun=False,
        )

    def waiting(self, number: int, items: tuple[Item, ...], *, due_at: datetime | None) -> Card:
        """A share that is being made or packed."""
        voice, share = self._voice, self._share
        assert share is not None
        is_begun = share.status in {Status.ACCEPTED, Status.CANCELLING}
        since = voice.say("since", day=voice.short(share.accepted_at)) if share.accepted_at else ""
        promise = voice.say("leaves_unknown")
        if due_at is not None:
            key = "leaves_by" if due_at > timezone.now() else "leaves_late"
            promise = voice.say(key, day=voice.day(due_at))
        is_late = due_at is not None and due_at <= timezone.now()
        if self._order.is_held:
            promise = voice.say("checking")
        chip = "chip.packed" if self._is_by_hand else "chip.made"
        return Card(
            number=number,
            group="late" if is_late else "made",
            chip=voice.say("chip.late" if is_late else chip if is_begun else "chip.received"),
            icon="clock" if is_late else "go" if is_begun else "check",
            role="warn" if is_late else "info",
            promise=promise,
            note="",
            steps=(
                self._confirmed("done" if is_begun else "now"),
                Step(self._made_word(), since, "now") if is_begun else Step(self._made_word()),
                *(Step(voice.say(f"step.{key}")) for key in ("shipped", "out", "delivered")),
            ),
            items=items,
            is_begun=is_begun,
        )

    def sent(
        self,
        number: int,
        shipment: Shipment,
        *,
        box: Parcel,
        items: tuple[Item, ...],
        scans: Sequence[TrackingEntry],
        together: str,
        again: str = "",
    ) -> Card:
        """A parcel that has left; `again` is the word for what became of its goods if it failed."""
        status = ParcelStatus(box.status)
        word, icon, role, group = LOOKS[status]
        if again == CAME_AGAIN:
            role, group = "neutral", "replaced"
        expected = box.estimated_delivery_at or box.promised_at
        if group == "moving" and expected is not None and expected < timezone.now():
            word, icon, role, group = "late", "clock", "warn", "late"
        sent = _Sent(
            shipment=shipment,
            box=box,
            scans=scans,
            status=status,
            word=word,
            icon=icon,
            role=role,
            group=group,
            carrier=carrier_name(box.carrier or shipment.carrier) or self._voice.say("carrier"),
            again=again,
        )
        promise, note = self._promise(sent)
        url = box.tracking_url
        return Card(
            number=number,
            group=group,
            chip=self._voice.say(f"chip.{word}"),
            icon=icon,
            role=role,
            promise=promise,
            note=note,
            steps=self._steps(sent),
            items=items,
            together=together,
            carrier=carrier_name(box.carrier or shipment.carrier),
            tracking_number=box.tracking_number,
            tracking_url=url if url.startswith(("https://", "http://")) else "",
            news=tuple(self._news(entry) for entry in reversed(scans)),
        )

    def _promise(self, sent: _Sent) -> tuple[str, str]:
        """What is promised, and a sentence more."""
        say, voice, carrier = self._voice.say, self._voice, sent.carrier
        match sent.status:
            case ParcelStatus.DELIVERED:
                at = sent.box.delivered_at or sent.box.status_at
                words = say("delivered_at", moment=voice.moment(at)) if at else say("delivered")
                return words, ""
            case ParcelStatus.PRESUMED_DELIVERED:
                return say("presumed"), say("presumed.note", carrier=carrier)
            case ParcelStatus.LOST | ParcelStatus.RETURNED | ParcelStatus.RETURNING:
                words = say(sent.again or f"{sent.status}.open")
                return f"{say(sent.status.value)} {words}", self._seen(sent)
            case ParcelStatus.AVAILABLE_FOR_PICKUP:
                return say("pickup"), self._seen(sent)
            case ParcelStatus.DELIVERY_ATTEMPTED:
                return say("attempted", carrier=carrier), ""
            case ParcelStatus.OUT_FOR_DELIVERY:
                return say("today"), ""
            case _:
                pass
        if sent.group == "late":
            promised = sent.promised
            told = say("was_promised", day=voice.day(promised)) if promised else ""
            parts = (told, self._seen(sent), say("we_ask"))
            return say("unknown_arrival"), " ".join(part for part in parts if part)
        if sent.expected is not None:
            return say("arrives_by", day=voice.day(sent.expected)), ""
        return say("on_its_way", carrier=carrier), ""

    def _seen(self, sent: _Sent) -> str:
        if not sent.scans:
            return ""
        last = sent.scans[-1]
        told = {"carrier": sent.carrier, "moment": self._voice.moment(last.happened_at)}
        if last.city:
            return self._voice.say("last_seen_in", city=last.city, **told)
        return self._voice.say("last_seen", **told)

    def _steps(self, sent: _Sent) -> tuple[Step, ...]:
        voice, share, status = self._voice, self._share, sent.status
        made_at = voice.short(share.accepted_at) if share and share.accepted_at else ""
        begun = (self._confirmed(), Step(self._made_word(), made_at, "done"))
        left = voice.short(sent.shipment.shipped_at)
        shipped, out = voice.say("step.shipped"), voice.say("step.out")
        days_out = (
            voice.short(scan.happened_at)
            for scan in sent.scans
            if scan.status == ParcelStatus.OUT_FOR_DELIVERY
        )
        day_out, end = next(days_out, ""), voice.say("step.delivered")
        if status in ARRIVED:
            at = sent.box.delivered_at or sent.box.status_at
            word = end if status == ParcelStatus.DELIVERED else voice.say("chip.presumed_delivered")
            day = voice.short(at) if at else ""
            done = Step(shipped, left, "done"), Step(out, day_out, "done"), Step(word, day, "done")
            return (*begun, *done)
        is_stuck = status in {*FAILED, ParcelStatus.AVAILABLE_FOR_PICKUP}
        if sent.role in {"warn", "bad"} or is_stuck:
            now = Step(voice.say(f"chip.{sent.word}"), "", "now", sent.role)
            return (*begun, Step(shipped, left, "done"), now, Step(end))
        if status == ParcelStatus.OUT_FOR_DELIVERY:
            return (*begun, Step(shipped, left, "done"), Step(out, day_out, "now"), Step(end))
        return (*begun, Step(shipped, left, "now"), Step(out), Step(end))

    def _news(self, entry: TrackingEntry) -> News:
        voice = self._voice
        status = ParcelStatus(entry.status)
        word, icon, role, _ = LOOKS.get(status, LOOKS[ParcelStatus.IN_TRANSIT])
        own = {
            ParcelStatus.IN_TRANSIT: "in_transit",
            ParcelStatus.PRE_TRANSIT: "pre_transit",
            ParcelStatus.DELAYED: "delayed",
        }
        words = entry.message or voice.say(own.get(status, f"chip.{word}"))
        where = ", ".join(filter(None, (entry.city, entry.country)))
        return News(
            words=f"{words}, {where}" if where else words,
            at=voice.moment(entry.happened_at),
            iso=f"{entry.happened_at:%Y-%m-%dT%H:%M:%SZ}",
            role=role,
            icon=icon,
        )


def headline(order: Order, found: Cards, *, voice: Voice) -> str:
    """The page's first sentence: what has arrived, what is late, what is still to come."""
    if order.status == "cancelled" and not found.cards:
        return f"{voice.say('cancelled')}."
    if not found.cards:
        return f"{voice.say('no_parcel' if found.without else 'received')}."
    if order.released_at is None and not order.is_held and order.units_shipped == 0:
        return f"{voice.say('unpaid')}."
    if found.has_all_arrived:
        return f"{voice.say('all_arrived')}."
    if not any(card.is_begun for card in found.cards):
        return f"{voice.say('received')}."
    if found.total == 1:
        return f"{voice.say(f'{found.cards[0].group}.only')}."
    parts: list[str] = []
    for group in ("arrived", "late", "trouble", "moving", "made"):
        number = found.number_in(group)
        if number:
            parts.append(voice.count(f"{group}.{'next' if parts else 'first'}", number))
    return f"{voice.listed(parts)}."
