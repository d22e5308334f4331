"""Parcels and cancellations written back to a shop: told once, whatever breaks in between."""

import json
from datetime import timedelta

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.orders import SourceState
from entrepot.connect.errors import (
    Conflict,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connectors.woocommerce.client import Client
from entrepot.connectors.woocommerce.simulator import MUG, PRINT_A3, WooCommerce
from entrepot.connectors.woocommerce.tests.conftest import news, order_in, parcel


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


def test_a_busy_shop_is_waited_for_once_a_part_of_the_news_stands_there(
    client: Client, shop: WooCommerce
) -> None:
    """A look may not see yet what was written a moment ago: what is begun is not begun again."""
    shop.faults.rate_limited = 0.3
    shop.faults.reseed(5)
    busy = 0
    for number in (1, 2):
        order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
        wanted = news(order_id, parcel(shop, order_id, f"E-P-{number}"), completes_order=True)
        while shop.shop.sales[order_id].status != "completed":
            before = shop.order_books()
            try:
                client.write_back(wanted)
            except Unavailable:
                assert shop.order_books() == before
                busy += 1

    assert busy > 0
    assert [len(books["notes"]) for books in shop.order_books()] == [1, 1]
