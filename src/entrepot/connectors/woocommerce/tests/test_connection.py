"""A connection to a shop: pings, keys, firewalls, broken answers; the webhooks registered there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.orders import Mode
from entrepot.connect.errors import (
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, Pulls, Refunds, Subscribes, WritesBack
from entrepot.connect.registry import platform
from entrepot.connectors.woocommerce.client import TOPICS, Client, base_url
from entrepot.connectors.woocommerce.simulator import MUG, WooCommerce
from entrepot.connectors.woocommerce.tests.conftest import (
    HOOK_URL,
    account_of,
    news,
    only_for,
    parcel,
    refund_of,
)


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


def test_an_account_is_any_shop_also_one_in_a_folder() -> None:
    account = Account(mode=Mode.LIVE, settings={"base_url": "https://example.com/shop/"})

    assert base_url(account) == "https://example.com/shop"


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


class _RemovedOnceListed(dict[int, Any]):
    """Webhooks that somebody else removes as soon as they were listed."""

    def values(self) -> Any:
        listed = list(super().values())
        self.clear()
        return listed


def test_a_webhook_that_somebody_removes_meanwhile_is_a_reason_to_look_again(
    client: Client, shop: WooCommerce
) -> None:
    client.subscribe(url=HOOK_URL, secret="s")
    shop.shop.hooks.registered = _RemovedOnceListed(shop.shop.hooks.registered)

    with pytest.raises(UnexpectedResponse, match="is gone since it was listed"):
        client.subscribe(url=HOOK_URL, secret="s")
    made = client.subscribe(url=HOOK_URL, secret="s")

    assert [one.topics[0] for one in made] == list(TOPICS)


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
