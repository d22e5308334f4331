"""What a batch asks of the database does not grow with the orders in it."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.events.models import Event
from entrepot.notifications.models import Mail
from entrepot.tasks import mail, submission
from entrepot.tasks.registry import Outcomes, Work
from tests.rules.conftest import house, provider, trade
from tests.rules.trade import Trade, buyer, line, snapshot
from tests.tasks.sent import statements

__all__ = ["house", "provider", "trade"]

# Remembered for two seconds, and so it is asked once in a batch in which these are over.
BY_THE_CLOCK = 'SELECT "monitoring_installation"."effects_paused_reason"'
LISTS = re.compile(r"\(%s(, %s)*\)(, \(%s(, %s)*\))*")  # of ids and of rows, however many
# With what those that ended together are recorded, of calls to platforms and of mails.
RECORDS = ('INSERT INTO "connections_call_record"', 'SET "esp_message_id"')


@dataclass(frozen=True)
class Batch:
    """What a batch sent; answers that come apart from each other are recorded one after another."""

    statements: Counter[str]
    recordings: int


@dataclass
class Costs:
    """Eight orders whose goods' kind only the shop's catalogue could tell, in batches."""

    trade: Trade

    def of(
        self,
        function: Callable[[int, Sequence[Work]], Outcomes],
        args: Sequence[dict[str, int | None]],
    ) -> list[Batch]:
        """What a batch of two and one of five sent; one went ahead of them."""
        merchant_id = self.trade.merchant.id
        works = [Work({"merchant_id": merchant_id, **one}, f"event:{one}") for one in args]
        assert len(works) == 8
        counts = []
        for batch in (works[:1], works[1:3], works[3:]):
            with statements() as sent:
                assert not any(function(merchant_id, batch))
            recordings = sum(any(one in statement for one in RECORDS) for statement in sent)
            alike = Counter(LISTS.sub("(%s)", statement) for statement in sent)
            alike -= Counter({one for one in alike if one.startswith(BY_THE_CLOCK)})
            counts.append(Batch(alike, max(recordings, 1)))
        return counts[1:]


@pytest.fixture
def costs(trade: Trade, provider: Connection) -> Costs:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    lines = (
        line("MOEWE-A3", 2, is_shippable=None, variant_external_id="31"),
        line("POST-12", 3, "7.50", is_shippable=None, product_external_id="30"),
    )
    trade.tell(*(snapshot(str(n), *lines, customer=buyer(n)) for n in range(8)))
    return Costs(trade)


def test_more_orders_need_no_more_statements(costs: Costs) -> None:
    trade = costs.trade
    orders = [trade.order(str(number)).id for number in range(8)]

    planned = costs.of(submission.plan, [{"order_id": one} for one in orders])
    shares = [trade.shares(str(number))[0].id for number in range(8)]
    submitted = costs.of(submission.submit, [{"subject_id": one} for one in shares])
    with scope.merchant(trade.merchant.id):
        released = Event.objects.filter(name="order.released").order_by("id")
        events = [{"order_id": one.order_id, "event_id": one.id} for one in released]
    decided = costs.of(mail.decide_mail, events)
    with scope.merchant(trade.merchant.id):
        mails = list(Mail.objects.order_by("id").values_list("id", flat=True))
    sent = costs.of(mail.send_mail, [{"subject_id": one} for one in mails])

    for two, five in (planned, submitted, decided, sent):
        more = five.statements - two.statements
        assert 10 < five.statements.total() <= two.statements.total() * five.recordings, more
    assert trade.attempts("submit") == ["accepted"] * 8
