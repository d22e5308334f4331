"""News inside the product: told once, counted until read, removed from the list only."""

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.notifications import news, queries
from entrepot.notifications.models import Notification
from entrepot.notifications.news import NewNotification
from tests.notifications.sales import make_sale


def new(merchant: Merchant, fact: str, customer_id: int | None) -> NewNotification:
    return NewNotification(
        merchant_id=merchant.id,
        mode="live",
        kind="shipped",
        fact=fact,
        title="Dein Paket ist unterwegs",
        message="Bestellung 10482",
        customer_id=customer_id,
        link="/orders/10482/",
    )


def test_the_same_news_is_told_once_to_each(merchant: Merchant) -> None:
    customer = make_sale(merchant).customer.id

    with scope.merchant(merchant.id):
        first = news.tell([new(merchant, "shipment:1", customer), new(merchant, "x:1", None)])
        again = news.tell([new(merchant, "shipment:1", customer), new(merchant, "x:1", None)])

        assert (first, again) == (2, 0)
        assert queries.unread_count(merchant.id, customer_id=customer) == 1
        assert queries.unread_count(merchant.id, customer_id=None) == 1


def test_customers_touch_only_their_own(merchant: Merchant) -> None:
    mine = make_sale(merchant).customer.id
    other = make_sale(merchant, number="10500").customer.id
    with scope.merchant(merchant.id):
        news.tell([new(merchant, f"shipment:{n}", mine) for n in (1, 2, 3)])
        ids = list(Notification.objects.values_list("id", flat=True))

    assert news.mark_read(ids, merchant_id=merchant.id, mode="live", customer_id=other) == 0
    assert news.mark_all_read(merchant_id=merchant.id, mode="test", customer_id=mine) == 0
    assert news.remove(ids, merchant_id=merchant.id, mode="live", customer_id=other) == 0
    assert news.mark_read(ids[:1], merchant_id=merchant.id, mode="live", customer_id=mine) == 1
    assert news.mark_read(ids[:1], merchant_id=merchant.id, mode="live", customer_id=mine) == 0
    assert news.remove(ids[1:2], merchant_id=merchant.id, mode="live", customer_id=mine) == 1
    assert news.mark_all_read(merchant_id=merchant.id, mode="live", customer_id=mine) == 1

    with scope.merchant(merchant.id):
        left = [row.id for row in queries.news_of_customer(merchant.id, mine)]
        assert left == [ids[2], ids[0]]
        assert queries.unread_count(merchant.id, customer_id=mine) == 0
        assert Notification.objects.count() == 3  # the record keeps all of it


def test_what_was_removed_is_not_told_again(merchant: Merchant) -> None:
    customer = make_sale(merchant).customer.id
    with scope.merchant(merchant.id):
        news.tell([new(merchant, "shipment:1", customer)])
        (row,) = Notification.objects.all()
    news.remove([row.id], merchant_id=merchant.id, mode="live", customer_id=customer)

    with scope.merchant(merchant.id):
        again = news.tell([new(merchant, "shipment:1", customer)])
        assert again == 0
        assert list(queries.news_of_customer(merchant.id, customer)) == []
