"""Compares the simulators' own books with what the hub says, by its rows alone."""

from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.connectors.prodigi.books import Phase
from entrepot.connectors.woocommerce.simulator import GUIDE, PRINT_A2, PRINT_A3
from entrepot.deadletters.models import DeadLetter
from entrepot.inbox.models import InboxMessage, InboxWork
from entrepot.notifications.models import Mail, SandboxMail
from entrepot.orders.models import Hold, Order
from tests.rehearsal.conftest import Rehearsal

MADE_AS = {PRINT_A3: "GLOBAL-FAP-16X24", PRINT_A2: "GLOBAL-FAP-24X36"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What does not agree. All empty is the promise kept."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    forgotten_webhooks: int = 0
    parked: list[str] = field(default_factory=list)
    unfinished_attempts: list[str] = field(default_factory=list)
    doubled_mails: list[str] = field(default_factory=list)
    unsent_mails: list[str] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    disagreeing: list[str] = field(default_factory=list)


def check(world: Rehearsal) -> Findings:
    """Hold both sides against each other."""
    with world.lock:
        wanted = {
            sale["id"]: {MADE_AS[sku]: n for sku, n in sale["units"].items() if sku != GUIDE}
            for sale in world.shop.order_books()
            if sale["paid_at"]
        }
        unwritten = [s["id"] for s in world.shop.order_books() if s["status"] != "completed"]
        made = [order for order in world.house.orders.values() if order.phase != Phase.CANCELLED]
        every = Counter(_sale_of(order.reference) for order in world.house.orders.values())
    units = {
        _sale_of(order.reference): dict(
            sum((Counter({i["sku"]: i["copies"]}) for i in order.asked["items"]), Counter[str]())
        )
        for order in made
    }
    with scope.system():
        known = set(Order.objects.values_list("external_id", flat=True))
        holds = Hold.objects.filter(lifted_at=None).values_list("kind", "order_id")
        return Findings(
            lost=sorted(sale for sale, asked in wanted.items() if units.get(sale) != asked),
            doubled=sorted(sale for sale, count in every.items() if count > 1),
            strangers=sorted(units.keys() - wanted.keys()),
            forgotten_webhooks=len(
                world.post.acknowledged.keys()
                - {bytes(one) for one in InboxMessage.objects.values_list("fingerprint", flat=True)}
            ),
            parked=list(InboxWork.objects.values_list("reason", flat=True)),
            unfinished_attempts=[
                f"{a.kind} {a.reference}: {a.status}, {a.message}"
                for a in Attempt.objects.exclude(status="accepted")
            ],
            doubled_mails=[
                *SandboxMail.objects.values_list("message_id", flat=True)
                .annotate(count=Count("id"))
                .filter(count__gt=1),
            ],
            unsent_mails=[
                f"{mail.kind} of order {mail.order_id}: {mail.status}, {mail.reason}"
                for mail in Mail.objects.exclude(status="sent")
            ],
            unwritten=unwritten,
            dead_letters=[f"{d.task}: {d.error}" for d in DeadLetter.objects.all()],
            disagreeing=[
                *sorted(known ^ wanted.keys()),
                *(f"order {order_id} is held: {kind}" for kind, order_id in holds),
            ],
        )


def _sale_of(reference: str) -> str:
    """The shop's own number in "test!moewe-prints.example/301/1/1"."""
    return reference.split("/")[-3]
