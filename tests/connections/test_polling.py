"""Platforms are read page by page into the inbox; imports resume; webhooks are kept registered."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connect.errors import Unavailable
from entrepot.connect.simulator import Clock
from entrepot.connections import cursors, history, queries, registrations, services
from entrepot.connections.models import Connection, Cursor, HistoryImport, WebhookRegistration
from entrepot.connections.states import Status
from entrepot.connectors.stripe.simulator import build as build_gateway
from entrepot.connectors.woocommerce.simulator import WooCommerce, build
from entrepot.dashboard.reading.connections import tiles
from entrepot.database import sql
from entrepot.inbox import services as inbox
from entrepot.inbox.claiming import claim
from entrepot.inbox.models import InboxMessage, InboxSeen, InboxWork
from entrepot.inbox.services import Finished
from entrepot.inbox.states import Outcome
from entrepot.tasks import connections as connection_tasks
from entrepot.tasks import polling, queue, webhooks
from entrepot.tasks.retry import Snooze
from tests.connections.accounts import fresh, secrets_in
from tests.connections.test_accounts import connected
from tests.serving import serve


@pytest.fixture
def outside() -> Iterator[tuple[WooCommerce, str]]:
    simulator = build(Clock())
    simulator.stock_shelves()
    with serve(simulator) as address:
        yield simulator, address


@pytest.fixture
def simulator(outside: tuple[WooCommerce, str]) -> WooCommerce:
    return outside[0]


@pytest.fixture
def shop(merchant: Merchant, outside: tuple[WooCommerce, str]) -> Connection:
    simulator, address = outside
    return connected(merchant, simulator, address)


def poll(shop: Connection, flow: str = "orders") -> None:
    """What the clock and a worker do, for one flow."""
    polling.poll_due()
    polling.poll(merchant_id=shop.merchant_id, connection_id=shop.id, flow=flow)


def messages(shop: Connection) -> list[tuple[str, str]]:
    with scope.merchant(shop.merchant_id):
        return list(InboxMessage.objects.order_by("id").values_list("source", "topic"))


def cursor_of(shop: Connection, flow: str = "orders") -> Cursor:
    with scope.merchant(shop.merchant_id):
        return Cursor.objects.get(connection=shop, flow=flow)


def jobs(task: str) -> list[dict[str, object]]:
    with scope.system():
        rows = sql.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = %s ORDER BY id", [task])
    return [queue.decode(bytes(row[0])).args for row in rows]


def test_a_new_connections_flows_are_due_at_once_and_given_out_once(shop: Connection) -> None:
    first, second = polling.poll_due(), polling.poll_due()

    assert (first, second) == (2, 0)
    assert sorted(str(job["flow"]) for job in jobs("polling.poll")) == ["orders", "products"]


def test_what_is_new_lands_in_the_inbox_once(shop: Connection, simulator: WooCommerce) -> None:
    for units in (2, 5, 3):
        simulator.customer_orders(("MUG-11OZ", units))

    poll(shop)
    poll(shop)

    assert messages(shop) == [("poll", "orders")] * 3
    cursor = cursor_of(shop)
    assert cursor.polled_at is not None
    assert cursor.next_poll_at is not None
    assert cursor.next_poll_at - timezone.now() > timedelta(seconds=100)


def test_a_connection_was_of_use_when_something_of_it_was_applied(
    shop: Connection, simulator: WooCommerce
) -> None:
    simulator.customer_orders(("MUG-11OZ", 2))
    poll(shop)
    connection_tasks.note_useful()
    before = fresh(shop).last_useful_at
    with scope.system():
        (claimed,) = claim(limit=5)
        inbox.finish([Finished(message_id=claimed.message_id, outcome=Outcome.APPLIED)])

    noted = [connection_tasks.note_useful() for _ in range(2)]

    assert before is None
    assert noted == [1, 0]
    assert fresh(shop).last_useful_topic == "orders"


def test_a_change_is_read_at_the_next_poll(shop: Connection, simulator: WooCommerce) -> None:
    order = simulator.customer_orders(("MUG-11OZ", 2), payment_method="bacs")
    poll(shop)

    simulator.pay(order, transaction_id="tx-å")
    poll(shop)

    assert messages(shop) == [("poll", "orders")] * 2


def test_what_was_sold_before_the_connection_is_left_to_an_import(
    shop: Connection, simulator: WooCommerce
) -> None:
    simulator.place_history(30, days=90)

    poll(shop)

    assert len(messages(shop)) <= 1  # the last of them is minutes old, within the overlap


def test_a_page_and_its_cursor_move_together_or_not_at_all(
    shop: Connection, simulator: WooCommerce
) -> None:
    simulator.customer_orders(("MUG-11OZ", 2))
    polling.poll_due()
    with scope.merchant(shop.merchant_id):
        reading = cursors.reading_of(shop.id, "orders")
    assert reading is not None
    polling.poll(merchant_id=shop.merchant_id, connection_id=shop.id, flow="orders")
    stands_at = cursor_of(shop).position

    with scope.merchant(shop.merchant_id):
        moved = cursors.advance(reading, position="elsewhere", read_until=None, is_last=True)

    assert not moved  # somebody else was faster
    assert cursor_of(shop).position == stands_at


def test_a_platform_that_is_down_is_asked_again_later_and_later(
    shop: Connection, simulator: WooCommerce
) -> None:
    simulator.faults.server_error = 1.0
    waits = []
    for _ in range(3):
        poll(shop)
        cursor = cursor_of(shop)
        assert cursor.next_poll_at is not None
        waits.append((cursor.next_poll_at - timezone.now()).total_seconds())

    simulator.faults.server_error = 0.0
    poll(shop)

    assert waits == sorted(waits)
    assert waits[2] > 50
    assert (cursor_of(shop).failed_in_a_row, cursor_of(shop).last_error) == (0, "")


def test_a_failing_flow_is_shown_with_its_reason(shop: Connection, simulator: WooCommerce) -> None:
    simulator.faults.server_error = 1.0
    poll(shop)

    with scope.merchant(shop.merchant_id):
        (cursor,) = Cursor.objects.filter(failed_in_a_row__gt=0)
        (tile,) = tiles("live")
    assert (cursor.flow, cursor.failed_in_a_row) == ("orders", 1)
    assert "500" in cursor.last_error
    assert (tile.id, tile.errors > 0) == (shop.id, True)


def test_refused_credentials_stop_the_polls_until_a_ping_succeeds(
    shop: Connection, simulator: WooCommerce
) -> None:
    good = simulator.options.consumer_key
    simulator.revoke_key()
    poll(shop)
    refused = fresh(shop).status
    cursors.poll_now(shop.id, merchant_id=shop.merchant_id)
    due_meanwhile = polling.poll_due()

    simulator.options.consumer_key = good
    connection_tasks.ping(merchant_id=shop.merchant_id, subject_id=shop.id)

    assert (refused, due_meanwhile) == (Status.MISCONFIGURED, 0)
    assert fresh(shop).status == Status.OBSERVING
    assert polling.poll_due() == 2


def test_a_paused_connection_is_still_read_and_an_archived_one_is_not(shop: Connection) -> None:
    services.go_live(shop.id, merchant_id=shop.merchant_id)
    services.pause(shop.id, merchant_id=shop.merchant_id, reason="stocktaking")
    while_paused = polling.poll_due()
    services.archive(shop.id, merchant_id=shop.merchant_id, reason="closed")
    polling.poll(merchant_id=shop.merchant_id, connection_id=shop.id, flow="orders")

    assert while_paused == 2
    assert messages(shop) == []


def run_import(begun: HistoryImport) -> int:
    """Run the job until it is done; how often it came back for more."""
    turns = 0
    while True:
        try:
            polling.import_history(merchant_id=begun.merchant_id, import_id=begun.id)
        except Snooze:
            turns += 1
            continue
        return turns


def test_history_is_read_whole_in_its_own_lane_with_progress(
    shop: Connection, simulator: WooCommerce
) -> None:
    simulator.place_history(2350, days=400)
    begun = history.begin_import(shop.id, merchant_id=shop.merchant_id)
    again = history.begin_import(shop.id, merchant_id=shop.merchant_id)

    turns = run_import(begun)

    with scope.merchant(shop.merchant_id):
        done = HistoryImport.objects.get()
        lanes = set(InboxWork.objects.values_list("lane", flat=True))
        assert InboxMessage.objects.filter(source="import").count() == 2350
        assert sum(InboxSeen.objects.values_list("repeats", flat=True)) == 0
    assert again.id == begun.id
    assert turns >= 1
    assert (done.done, done.total, lanes) == (2350, 2350, {"import"})
    assert done.finished_at is not None


def test_an_import_goes_on_where_it_stood(shop: Connection, simulator: WooCommerce) -> None:
    simulator.place_history(450, days=100)
    begun = history.begin_import(shop.id, merchant_id=shop.merchant_id)
    simulator.faults.reseed(7)
    simulator.faults.server_error = 0.4

    broken_off = 0
    while True:
        try:
            run_import(begun)
        except Unavailable:
            broken_off += 1
            continue
        break

    with scope.merchant(shop.merchant_id):
        done = HistoryImport.objects.get()
        assert InboxMessage.objects.count() == 450
    assert broken_off > 0
    assert (done.done, done.last_error) == (450, "")


def test_two_readers_of_one_import_do_not_count_twice(
    shop: Connection, simulator: WooCommerce
) -> None:
    simulator.place_history(120, days=100)
    begun = history.begin_import(shop.id, merchant_id=shop.merchant_id)

    with scope.merchant(shop.merchant_id):
        moved = [
            history.advance_import(begun, position="page 2", items=100, total=120, is_last=False)
            for _ in range(2)
        ]

    with scope.merchant(shop.merchant_id):
        assert HistoryImport.objects.get().done == 100
    assert moved == [True, False]


def test_only_what_a_platform_can_tell_is_imported(shop: Connection) -> None:
    with pytest.raises(history.NoSuchFlow, match="orders, products"):
        history.begin_import(shop.id, merchant_id=shop.merchant_id, flow="trackers")


def registered(shop: Connection) -> list[WebhookRegistration]:
    with scope.merchant(shop.merchant_id):
        return list(WebhookRegistration.objects.order_by("id"))


def check(shop: Connection) -> bool:
    return webhooks.check(merchant_id=shop.merchant_id, subject_id=shop.id)


def test_webhooks_are_registered_with_a_secret_of_our_own(
    shop: Connection, simulator: WooCommerce
) -> None:
    repaired, again = check(shop), check(shop)

    hooks = list(simulator.books["webhooks"].values())
    assert (repaired, again) == (True, False)
    assert {hook.delivery_url for hook in hooks} == {queries.hook_url(shop)}
    assert {hook.secret for hook in hooks} == {secrets_in(shop)["webhook_signing"]}
    assert len(registered(shop)) == len(hooks) == 8


@pytest.mark.parametrize("fault", ["disabled", "removed"])
def test_a_webhook_that_was_switched_off_or_removed_is_repaired(
    shop: Connection, simulator: WooCommerce, fault: str
) -> None:
    check(shop)
    hooks = simulator.books["webhooks"]
    first = next(iter(hooks))
    if fault == "disabled":
        hooks[first].status = "disabled"
    else:
        del hooks[first]

    assert check(shop)

    assert {hook.status for hook in hooks.values()} == {"active"}
    assert len(hooks) == 8
    assert not check(shop)


def test_after_another_address_the_webhooks_of_the_old_one_go(
    shop: Connection, simulator: WooCommerce
) -> None:
    check(shop)
    services.rotate_token(shop.id, merchant_id=shop.merchant_id)

    assert check(shop)

    urls = {hook.delivery_url for hook in simulator.books["webhooks"].values()}
    assert urls == {queries.hook_url(fresh(shop))}


def test_an_installation_without_a_public_address_polls_alone_and_says_so(
    merchant: Merchant, settings: Settings
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    shop = services.add_connection(
        merchant.id,
        platform="woocommerce",
        mode=Mode.LIVE,
        name="Läden",
        settings={"base_url": "https://läden.example", "consumer_key": "a", "consumer_secret": "b"},
    )

    with scope.merchant(merchant.id):
        reason = registrations.polls_only_because(shop, queries.account_of(shop))
    assert not check(shop)  # and no call was made: nobody answers there
    assert "cannot reach http://127.0.0.1:8000" in reason


def test_a_platform_that_makes_the_secret_itself_tells_it_once(merchant: Merchant) -> None:
    simulator = build_gateway(Clock())
    with serve(simulator) as address:
        gateway = services.add_connection(
            merchant.id,
            platform="stripe",
            mode=Mode.TEST,
            name="Kasse",
            settings={"secret_key": "sk_test_sandbox", "base_url": address},
        )
        repaired = check(gateway)
        secret = secrets_in(gateway)["webhook_signing"]
        again = check(gateway)

    assert (repaired, again) == (True, False)
    assert secret.startswith("whsec_")


def test_every_connection_with_an_outside_is_pinged(shop: Connection, merchant: Merchant) -> None:
    services.add_connection(
        merchant.id, platform="by_hand", mode=Mode.LIVE, name="Packtisch", settings={}
    )

    before = len(jobs("connections.ping"))

    assert connection_tasks.ping_all() == 1
    assert [job["subject_id"] for job in jobs("connections.ping")][before:] == [shop.id]
