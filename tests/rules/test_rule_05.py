"""Rule 5: mode belongs to the order as well, and unknown is held at first."""

from entrepot.access import scope
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.intake.understanding import Known, NotUnderstood, check_mode
from entrepot.orders import services as orders
from entrepot.orders.models import Hold
from tests.rules.trade import Trade, connect, later, snapshot


def live(trade: Trade, **policy: object) -> Connection:
    trade.shop = connect(
        trade.merchant,
        "woocommerce",
        mode="live",
        account="woocommerce:echt.example",
        policy={"cooling_off_seconds": 0, **policy},
    )
    return trade.shop


def test_a_test_order_of_a_live_shop_is_a_test_order(trade: Trade) -> None:
    live(trade)

    trade.tell(snapshot(is_test=True))

    assert trade.order().mode == "test"


def test_a_test_order_never_goes_to_a_live_provider(trade: Trade) -> None:
    live(trade, real_payment_methods=["stripe"])
    provider = connect(trade.merchant, "prodigi", mode="live")
    trade.made_by(provider, "MOEWE-A3", "POST-12")

    trade.tell(snapshot(is_test=True))
    trade.work()

    assert trade.shares() == []
    assert [kind for kind, _ in trade.holds()] == ["unmapped_sku"]
    assert "No test connection can take it" in trade.reasons()[0]


def test_real_money_at_a_test_connection_is_parked(trade: Trade) -> None:
    with scope.system():
        known = Known.of(Connection.objects.get(id=trade.shop.id))

    try:
        check_mode(snapshot(is_test=False), known)
        said = ""
    except NotUnderstood as error:
        said = str(error)

    assert said == f"order 10482 is live, but {trade.shop.name} is in test mode"


def test_a_method_of_which_nobody_knows_whether_it_takes_real_money_holds_the_order(
    trade: Trade,
) -> None:
    live(trade)

    trade.tell(snapshot(payment_method="stripe"))

    assert trade.holds() == [("mode_unknown", "stripe")]


def test_what_a_person_has_said_of_the_method_is_not_asked_again(trade: Trade) -> None:
    live(trade)
    told = snapshot(payment_method="stripe")
    trade.tell(told)
    with scope.merchant(trade.merchant.id):
        (hold_id,) = Hold.objects.values_list("id", flat=True)
    orders.lift_hold(trade.merchant.id, hold_id, by="user:1", reason="echtes Geld")

    trade.tell(later(told, customer_note="Bitte klingeln"))

    assert trade.holds() == []


def test_listing_the_method_as_real_lifts_the_hold_at_the_next_news(trade: Trade) -> None:
    shop = live(trade)
    told = snapshot(payment_method="stripe")
    trade.tell(told)
    services.change_policy(
        shop.id, merchant_id=trade.merchant.id, changes={"real_payment_methods": ["stripe"]}
    )

    trade.tell(later(told, customer_note="Bitte klingeln"))

    assert trade.holds() == []
