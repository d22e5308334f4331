"""The client against the simulated shop, over HTTP on loopback."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode, SourceState
from entrepot.canon.payments import PaymentFactKind, RefundedLine, RefundRequest
from entrepot.connect.errors import (
    Conflict,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connect.http import Http
from entrepot.connect.ports import (
    Account,
    Pulls,
    Refunds,
    Subscribes,
    WriteBack,
    WritesBack,
    WrittenParcel,
)
from entrepot.connect.registry import platform
from entrepot.connectors.woocommerce.client import TOPICS, Client, base_url
from entrepot.connectors.woocommerce.pricing import Delivery
from entrepot.connectors.woocommerce.simulator import MUG, PRINT_A3, WooCommerce
from entrepot.connectors.woocommerce.tests.conftest import START, account_of, order_in

HOOK_URL = "https://hub.example/hooks/woo-7"


def parcel(shop: WooCommerce, order_id: int, reference: str, **changes: Any) -> WrittenParcel:
    lines = shop.shop.sales[order_id].lines
    values: dict[str, Any] = {
        "reference": reference,
        "carrier": "DHL",
        "service": "Express",
        "tracking_number": f"003404341610{reference[-1]}",
        "tracking_url": f"https://track.example/{reference}",
        "shipped_at": START,
        "items": ((str(lines[0]["id"]), 2),),
        **changes,
    }
    return WrittenParcel(**values)


def news(order_id: int, *parcels: WrittenParcel, **changes: Any) -> WriteBack:
    values: dict[str, Any] = {
        "reference": "E-W-1",
        "order_external_id": str(order_id),
        "parcels": parcels,
        "completes_order": False,
        **changes,
    }
    return WriteBack(**values)


def refund_of(
    order_id: int, amount: str, *, currency: str = "EUR", **changes: Any
) -> RefundRequest:
    values: dict[str, Any] = {
        "reference": "E-R-1",
        "idempotency_key": "unused",
        "payment_external_id": f"order:{order_id}",
        "order_external_id": str(order_id),
        "amount": Money.of(amount, currency),
        "reason": "Zerkratzt",
        **changes,
    }
    return RefundRequest(**values)


def test_the_client_can_do_what_the_manifest_says(client: Client) -> None:
    assert isinstance(client, Pulls)
    assert isinstance(client, Subscribes)
    assert isinstance(client, WritesBack)
    assert isinstance(client, Refunds)
    assert platform("woocommerce").manifest.topics == TOPICS


# --- the way in ------------------------------------------------------------------------------


def test_a_ping_tells_who_the_shop_is(client: Client, shop: WooCommerce) -> None:
    shop.customer_orders((MUG, 2))

    found = client.ping()

    assert found.identity == "https://moewe-prints.example"
    assert found.name == "Möwe & Söhne Prints"
    assert found.api_version == "wc/v3 (WooCommerce 11.0.1)"
    assert found.warnings == ()


def test_a_ping_warns_of_a_state_that_is_none(shop: WooCommerce, address: str) -> None:
    account = account_of(shop, address, status_map={"in-druck": "printing"})

    found = Client(Http(base_url(account)), account).ping()

    assert found.warnings == ("status_map: 'printing' (for 'in-druck') is no state",)


def test_over_tls_the_key_goes_as_basic_credentials(shop: WooCommerce, address: str) -> None:
    account = account_of(shop, "https://moewe-prints.example")
    assert Client(Http(address), account).ping().name == shop.options.name

    in_query = account_of(shop, "https://moewe-prints.example", credentials_in_query=True)
    assert Client(Http(address), in_query).ping().name == shop.options.name


def test_plain_http_never_carries_the_secret(shop: WooCommerce, address: str) -> None:
    seen: list[str] = []
    authenticate = shop.gate.check

    def watch(request: Any, *, address: str) -> Any:
        seen.append(f"{request.headers} {request.query}")
        return authenticate(request, address=address)

    shop.gate.check = watch  # type: ignore[method-assign]
    account = account_of(shop, address)
    Client(Http(base_url(account)), account).ping()

    assert len(seen) == 3
    assert not any(shop.options.consumer_secret in text for text in seen)


@pytest.mark.parametrize(
    ("_case", "act", "said"),
    [
        ("the key was deleted", WooCommerce.revoke_key, "Consumer key is invalid"),
        ("the key may only read", WooCommerce.make_key_read_only, "write permissions"),
    ],
)
def test_a_key_that_does_not_work_needs_a_person(
    _case: str, act: Callable[[WooCommerce], None], said: str, client: Client, shop: WooCommerce
) -> None:
    act(shop)

    with pytest.raises(Misconfigured, match=said):
        client.ping()


def test_a_wrong_secret_needs_a_person(shop: WooCommerce, address: str) -> None:
    account = account_of(shop, address, consumer_secret="cs_wrong")

    with pytest.raises(Misconfigured, match="signature does not match"):
        Client(Http(base_url(account)), account).ping()


def test_an_address_without_wordpress_needs_a_person(shop: WooCommerce, address: str) -> None:
    account = account_of(shop, f"{address}/elsewhere")

    with pytest.raises(Misconfigured, match="No route"):
        Client(Http(base_url(account)), account).ping()


def only_for(shop: WooCommerce, method: str, fault: str) -> None:
    """Let a fault strike every call of one method, and no other."""
    handle = shop.handle

    def struck(call: Any) -> Any:
        setattr(shop.faults, fault, 1.0 if call.method == method else 0.0)
        return handle(call)

    shop.handle = struck  # type: ignore[assignment,method-assign]


def test_behind_a_firewall_reads_wait(client: Client, shop: WooCommerce) -> None:
    shop.faults.waf = 1.0

    with pytest.raises(Unavailable, match="firewall"):
        client.pull(Flow.ORDERS, cursor="", since=None, limit=10)


def test_a_write_that_a_firewall_answered_is_unknown(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 2))
    wanted = news(order_id, parcel(shop, order_id, "E-P-1"))
    only_for(shop, "POST", "waf")
    with pytest.raises(OutcomeUnknown, match="firewall"):
        client.write_back(wanted)

    assert client.find_write_back(wanted) is None


def test_a_refusal_keeps_the_shops_own_word(client: Client) -> None:
    with pytest.raises(Rejected, match="Invalid order ID") as caught:
        client.refund(refund_of(9999, "5.00"))

    assert caught.value.code == "woocommerce_rest_invalid_order_id"
    assert caught.value.fault == "order"


def test_a_host_that_asks_to_wait_is_obeyed(client: Client, shop: WooCommerce) -> None:
    shop.faults.rate_limited = 1.0

    with pytest.raises(RateLimited) as caught:
        client.pull(Flow.ORDERS, cursor="", since=None, limit=10)

    assert caught.value.retry_after == timedelta(seconds=2)


def test_a_broken_shop_is_asked_again(client: Client, shop: WooCommerce) -> None:
    shop.faults.server_error = 1.0

    with pytest.raises(Unavailable):
        client.fetch(Flow.ORDERS, "1")


def test_a_web_page_instead_of_an_answer_proves_nothing(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 2))
    shop.faults.garbage = 1.0

    with pytest.raises(UnexpectedResponse, match="It works"):
        client.fetch(Flow.ORDERS, str(order_id))


# --- webhooks --------------------------------------------------------------------------------


def test_every_topic_is_registered_once_however_often_it_is_asked(
    client: Client, shop: WooCommerce
) -> None:
    first = client.subscribe(url=HOOK_URL, secret="s-1")
    second = client.subscribe(url=HOOK_URL, secret="s-2")

    assert [made.topics[0] for made in first] == list(TOPICS)
    assert [made.external_id for made in first] == [made.external_id for made in second]
    hooks = shop.shop.hooks.registered.values()
    assert [hook.secret for hook in hooks] == ["s-2"] * len(TOPICS)


def test_a_disabled_webhook_is_made_active_and_a_doubled_one_removed(
    client: Client, shop: WooCommerce
) -> None:
    made = client.subscribe(url=HOOK_URL, secret="s")
    shop.shop.hooks.registered[int(made[1].external_id)].status = "disabled"
    shop.shop.register(name="", topic="order.updated", url=HOOK_URL, secret="x", status="active")
    shop.shop.register(
        name="", topic="order.updated", url="https://other.example/", secret="x", status="active"
    )
    assert [found.is_active for found in client.subscriptions()].count(False) == 1

    client.subscribe(url=HOOK_URL, secret="s")

    found = client.subscriptions()
    assert all(one.is_active for one in found)
    assert [one.url for one in found].count(HOOK_URL) == len(TOPICS)
    assert [one.url for one in found].count("https://other.example/") == 1


def test_a_webhook_is_removed_for_good_and_removing_it_again_changes_nothing(
    client: Client, shop: WooCommerce
) -> None:
    made = client.subscribe(url=HOOK_URL, secret="s")

    client.unsubscribe(made[0].external_id)
    client.unsubscribe(made[0].external_id)

    assert len(shop.shop.hooks.registered) == len(TOPICS) - 1


def test_a_server_that_knows_no_put_or_delete_is_changed_all_the_same(
    client: Client, shop: WooCommerce
) -> None:
    shop.options.refuses_put = True
    order_id = shop.customer_orders((MUG, 2))
    made = client.subscribe(url=HOOK_URL, secret="s")

    client.subscribe(url=HOOK_URL, secret="s-2")
    client.unsubscribe(made[0].external_id)
    client.write_back(news(order_id, parcel(shop, order_id, "E-P-1"), completes_order=True))

    assert shop.shop.sales[order_id].status == "completed"
    assert len(shop.shop.hooks.registered) == len(TOPICS) - 1


# --- writing back ----------------------------------------------------------------------------


@pytest.mark.parametrize("has_extension", [False, True])
def test_a_parcel_is_told_once_however_often_it_is_written(
    has_extension: bool, client: Client, shop: WooCommerce
) -> None:
    shop.options.tracking_extension = has_extension
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    wanted = news(order_id, parcel(shop, order_id, "E-P-1"))
    assert client.find_write_back(wanted) is None

    first, second = client.write_back(wanted), client.write_back(wanted)

    assert (first.was_there, second.was_there) == (False, True)
    assert client.find_write_back(wanted) == second
    (books,) = shop.order_books()
    assert books["status"] == "processing"
    (note,) = books["notes"]
    assert note == (
        "2 units shipped with DHL Express, tracking number 0034043416101:"
        " https://track.example/E-P-1 [ref E-P-1]"
    )
    assert books["trackings"] == (["0034043416101"] if has_extension else [])


def test_the_last_parcel_completes_the_order(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    one, two = parcel(shop, order_id, "E-P-1"), parcel(shop, order_id, "E-P-2")
    client.write_back(news(order_id, one))

    receipt = client.write_back(news(order_id, one, two, reference="E-W-2", completes_order=True))

    (books,) = shop.order_books()
    assert books["status"] == "completed"
    assert len(books["notes"]) == 2
    told = json.loads(books["meta"]["_entrepot_parcels"])
    assert [entry["reference"] for entry in told] == ["E-P-1", "E-P-2"]
    assert receipt.message == "1 parcel(s) as a note; status set to completed"


def test_our_own_write_is_recognised_when_it_comes_back(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    shop.clock.advance(timedelta(minutes=3))

    receipt = client.write_back(
        news(order_id, parcel(shop, order_id, "E-P-1"), completes_order=True)
    )

    echo = order_in(client.fetch(Flow.ORDERS, str(order_id)), shop)
    assert echo.own_marks == ("E-P-1", "E-W-1")
    assert echo.version == receipt.source_version
    assert echo.state is SourceState.COMPLETED


def test_untracked_mail_is_told_as_a_note_even_with_the_extension(
    client: Client, shop: WooCommerce
) -> None:
    shop.options.tracking_extension = True
    order_id = shop.customer_orders((MUG, 2))
    letter = parcel(shop, order_id, "E-P-1", tracking_number="", tracking_url="", service="")

    client.write_back(news(order_id, letter))

    (books,) = shop.order_books()
    assert books["trackings"] == []
    assert books["notes"] == ["2 units shipped with DHL [ref E-P-1]"]


def test_a_number_that_someone_typed_in_already_is_not_added_again(
    client: Client, shop: WooCommerce
) -> None:
    shop.options.tracking_extension = True
    order_id = shop.customer_orders((MUG, 2))
    wanted = news(order_id, parcel(shop, order_id, "E-P-1"))
    shop.shop.sales[order_id].trackings.append({"tracking_number": "0034043416101"})

    client.write_back(wanted)

    assert len(shop.shop.sales[order_id].trackings) == 1


def test_a_customer_is_told_only_when_asked(client: Client, shop: WooCommerce) -> None:
    first, second = shop.customer_orders((MUG, 2)), shop.customer_orders((MUG, 3))

    client.write_back(news(first, parcel(shop, first, "E-P-1")))
    client.write_back(news(second, parcel(shop, second, "E-P-2"), tell_customer=True))

    told = {
        order_id: [
            note.for_customer for note in shop.shop.sales[order_id].notes if "ref" in note.text
        ]
        for order_id in (first, second)
    }
    assert told == {first: [False], second: [True]}


def test_an_order_that_the_shop_called_off_gets_its_parcels_and_keeps_its_state(
    client: Client, shop: WooCommerce
) -> None:
    order_id = shop.customer_orders((MUG, 2))
    shop.cancel(order_id)
    wanted = news(order_id, parcel(shop, order_id, "E-P-1"), completes_order=True)

    receipt = client.write_back(wanted)

    assert shop.shop.sales[order_id].status == "cancelled"
    assert receipt.message == "1 parcel(s) as a note; left as cancelled"
    assert client.write_back(wanted).was_there


def test_a_cancellation_is_written_once_and_never_over_a_completed_order(
    client: Client, shop: WooCommerce
) -> None:
    open_id, done_id = shop.customer_orders((MUG, 2)), shop.customer_orders((MUG, 3))
    shop.complete_by_hand(done_id)

    first = client.write_back(news(open_id, cancels_order=True, note="Motiv fehlt"))
    second = client.write_back(news(open_id, cancels_order=True, note="Motiv fehlt"))
    with pytest.raises(Conflict, match="completed"):
        client.write_back(news(done_id, cancels_order=True))

    assert (first.was_there, second.was_there) == (False, True)
    assert shop.shop.sales[open_id].status == "cancelled"
    assert shop.shop.sales[done_id].status == "completed"
    assert shop.order_books()[0]["notes"] == ["Motiv fehlt [ref E-W-1]"]


def test_an_order_that_the_shop_does_not_have_is_refused(client: Client) -> None:
    with pytest.raises(Rejected) as caught:
        client.write_back(news(9999))

    assert caught.value.code == "woocommerce_rest_shop_order_invalid_id"


@pytest.mark.parametrize("has_extension", [False, True])
@pytest.mark.parametrize("fault", ["drop_answer", "garbage"])
def test_a_write_back_cut_at_any_point_is_finished_without_doubling(
    fault: str, has_extension: bool, client: Client, shop: WooCommerce
) -> None:
    """Answers are lost at random; each time the hub looks, and writes again."""
    shop.options.tracking_extension = has_extension
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    wanted = news(
        order_id,
        parcel(shop, order_id, "E-P-1"),
        parcel(shop, order_id, "E-P-2"),
        completes_order=True,
        note="Danke",
    )
    setattr(shop.faults, fault, 0.5)
    shop.faults.reseed(7)

    unknown = 0
    for _ in range(60):
        try:
            client.write_back(wanted)
            break
        except OutcomeUnknown:
            unknown += 1
        except (Unavailable, UnexpectedResponse):
            continue

    setattr(shop.faults, fault, 0.0)
    assert unknown > 0
    assert client.find_write_back(wanted) is not None
    (books,) = shop.order_books()
    assert books["status"] == "completed"
    assert sorted(note.partition("[")[2] for note in books["notes"]) == [
        "ref E-P-1]",
        "ref E-P-2]",
        "ref E-W-1]",
    ]
    assert books["trackings"] == (["0034043416101", "0034043416102"] if has_extension else [])


# --- refunds ---------------------------------------------------------------------------------


def test_a_refund_is_made_and_found_by_our_reference(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    line_id = str(shop.shop.sales[order_id].lines[1]["id"])
    request = refund_of(
        order_id, "29.00", lines=(RefundedLine(line_external_id=line_id, quantity=2),)
    )
    assert client.find_refund(request) is None

    first = client.refund(request)

    assert first == client.find_refund(request)
    assert first.kind is PaymentFactKind.REFUNDED
    assert first.amount == Money.of("29.00", "EUR")
    (row,) = shop.shop.sales[order_id].refunds
    assert (row.reason, row.through_gateway) == ("Zerkratzt [ref E-R-1]", False)
    fact = order_in(client.fetch(Flow.ORDERS, str(order_id)), shop).payment_facts[1]
    assert (fact.external_id, fact.own_reference) == (first.external_id, "E-R-1")


def test_restocking_is_only_done_when_asked(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 3))
    lines = (
        RefundedLine(line_external_id=str(shop.shop.sales[order_id].lines[0]["id"]), quantity=1),
    )
    item = shop.shop.catalog.item_of(MUG)
    before = item.stock

    client.refund(refund_of(order_id, "1.00", lines=lines))
    assert item.stock == before

    client.refund(refund_of(order_id, "1.00", reference="E-R-2", lines=lines, restock=True))
    assert item.stock == (before or 0) + 1


def test_more_than_is_left_is_refused(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 2), shipping=None)
    shop.refund(order_id, "20.00")

    with pytest.raises(Rejected, match="Invalid refund amount"):
        client.refund(refund_of(order_id, "9.01"))

    assert len(shop.shop.sales[order_id].refunds) == 1


def test_the_shops_gateway_pays_back_only_where_the_setting_says_so(
    shop: WooCommerce, address: str
) -> None:
    account = account_of(shop, address, api_refund=True)
    client = Client(Http(base_url(account)), account)
    card, cash = (
        shop.customer_orders((MUG, 2)),
        shop.customer_orders((MUG, 2), payment_method="cod"),
    )

    client.refund(refund_of(card, "5.00"))
    # The gateway reports a failure, and nobody knows from here how far it came.
    with pytest.raises(OutcomeUnknown, match="does not support automatic refunds"):
        client.refund(refund_of(cash, "5.00"))

    assert shop.shop.sales[card].refunds[0].through_gateway
    assert shop.shop.sales[cash].refunds == []


@pytest.mark.parametrize("fault", ["drop_answer", "garbage", "server_error"])
def test_a_refund_without_a_trustworthy_answer_is_unknown(
    fault: str, client: Client, shop: WooCommerce
) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2))
    request = refund_of(order_id, "10.00")
    only_for(shop, "POST", fault)
    with pytest.raises(OutcomeUnknown):
        client.refund(request)

    made = len(shop.shop.sales[order_id].refunds)
    assert made == (0 if fault == "server_error" else 1)
    assert (client.find_refund(request) is not None) == bool(made)


def test_a_refund_that_is_hidden_for_a_while_is_why_a_look_up_proves_nothing(
    client: Client, shop: WooCommerce
) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2))
    shop.faults.invisible, shop.faults.invisible_seconds = 1.0, 120.0
    request = refund_of(order_id, "10.00")
    client.refund(request)

    assert client.find_refund(request) is None
    shop.clock.advance(timedelta(seconds=121))
    assert client.find_refund(request) is not None
    assert not platform("woocommerce").manifest.effects["refund"].lookup_proves_absence


def test_a_shop_in_yen_with_tax_added_is_read_and_refunded_in_whole_yen(
    shop: WooCommerce, address: str
) -> None:
    shop.options.currency, shop.options.prices_include_tax = "JPY", False
    shop.shop.catalog.add_product("UKIYO", "浮世絵", "4000", stock=90)
    order_id = shop.customer_orders(
        ("UKIYO", 3), country="JP", coupon=("haru", 5), shipping=Delivery(price="500")
    )
    account = account_of(shop, address)
    client = Client(Http(base_url(account)), account)

    order = order_in(client.fetch(Flow.ORDERS, str(order_id)), shop)
    client.refund(refund_of(order_id, "4180", currency="JPY"))

    assert order.totals.lines == Money.of(11400, "JPY")
    assert order.totals.tax == Money.of(1190, "JPY")
    assert order.totals.total == Money.of(13090, "JPY")
    assert shop.order_books()[0]["refunds"][0]["amount"] == "4180"


def test_an_account_is_any_shop_also_one_in_a_folder() -> None:
    account = Account(mode=Mode.LIVE, settings={"base_url": "https://example.com/shop/"})

    assert base_url(account) == "https://example.com/shop"
