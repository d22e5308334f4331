"""Accounts come, prove themselves, rotate their secrets, stop, go and come back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connect.errors import Misconfigured, Unavailable
from entrepot.connect.ports import PingResult
from entrepot.connect.registry import UnknownPlatform
from entrepot.connect.simulator import Clock
from entrepot.connections import credentials, environment, faults, pings, queries, services
from entrepot.connections.fields import BadSettings
from entrepot.connections.models import Connection, Credential
from entrepot.connections.states import IllegalStep, Status
from entrepot.connectors.woocommerce.simulator import WooCommerce, build
from entrepot.dashboard.reading import connections
from tests.connections.accounts import (
    SHOP_SECRET,
    a_gateway,
    a_print_house,
    a_shop,
    events_of,
    fresh,
    secrets_in,
)
from tests.serving import serve


@pytest.fixture
def shop_outside() -> Iterator[tuple[WooCommerce, str]]:
    """A shop that answers on loopback, and its address."""
    simulator = build(Clock())
    with serve(simulator) as address:
        yield simulator, address


def connected(merchant: Merchant, simulator: WooCommerce, address: str) -> Connection:
    return services.add_connection(
        merchant.id,
        platform="woocommerce",
        mode=Mode.LIVE,
        name="Möwe Drucke",
        settings={
            "base_url": address,
            "consumer_key": simulator.options.consumer_key,
            "consumer_secret": simulator.options.consumer_secret,
        },
    )


def signing(connection: Connection) -> tuple[str, ...]:
    """The secrets that the edge compares a delivery with."""
    with scope.system():
        return queries.receiving_by_tokens([connection.token])[connection.token].secrets.signing


def test_a_new_connection_observes_and_its_secrets_are_sealed(merchant: Merchant) -> None:
    shop = a_shop(merchant)

    with scope.merchant(merchant.id):
        sealed = [bytes(row) for row in Credential.objects.values_list("sealed", flat=True)]
        account = queries.account_of(shop)
    assert (shop.status, shop.live_since, shop.code) == ("observing", None, "woocommerce-live")
    assert "consumer_secret" not in shop.settings
    assert not any(b"2222" in text for text in sealed)
    assert account.settings["consumer_secret"] == "cs_" + "2" * 40
    assert account.settings["on_terms_methods"] == ["cod"]  # the manifest's default
    assert signing(shop) == (SHOP_SECRET,)
    assert len(shop.token) >= 32


def test_all_faults_of_a_form_are_told_at_once(merchant: Merchant) -> None:
    with pytest.raises(BadSettings) as caught:
        services.add_connection(
            merchant.id,
            platform="woocommerce",
            mode=Mode.LIVE,
            name="",
            settings={
                "base_url": "ftp://shop.example",
                "consumer_key": " ",
                "api_refund": "perhaps",
                "weight_unit": "stone",
                "on_terms_methods": 7,
                "status_map": "wholesale",
                "colour": "blue",
            },
        )

    assert sorted(caught.value.faults) == [
        "api_refund",
        "base_url",
        "colour",
        "consumer_key",
        "consumer_secret",
        "on_terms_methods",
        "status_map",
        "weight_unit",
    ]
    with scope.merchant(merchant.id):
        assert Connection.objects.count() == 0


@pytest.mark.parametrize(
    "url",
    ["https://me:pw@shop.example", "https://shop.example/?a=1", "https://", "http://x:99999/", "x"],
)
def test_an_address_is_refused_that_no_call_could_use(merchant: Merchant, url: str) -> None:
    with pytest.raises(BadSettings) as caught:
        a_shop(merchant, base_url=url)

    assert list(caught.value.faults) == ["base_url"]


def test_an_unknown_platform_is_named_with_the_known_ones(merchant: Merchant) -> None:
    with pytest.raises(UnknownPlatform, match=r"'warenhaus'.*woocommerce"):
        services.add_connection(
            merchant.id, platform="warenhaus", mode=Mode.LIVE, name="", settings={}
        )


def test_codes_are_unique_at_a_merchant(merchant: Merchant, other_merchant: Merchant) -> None:
    codes = [a_shop(merchant).code, a_shop(merchant).code, a_shop(merchant, code="Läden 2").code]

    assert codes == ["woocommerce-live", "woocommerce-live-2", "l-den-2"]
    assert a_shop(other_merchant).code == "woocommerce-live"


def test_a_blank_secret_stays_and_a_changed_setting_is_an_event(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    before = secrets_in(shop)

    services.change_settings(
        shop.id,
        merchant_id=merchant.id,
        settings={"consumer_secret": "", "currency": "SEK", "status_map": "at-press = processing"},
        name="Läden & Söhne",
    )
    services.change_settings(shop.id, merchant_id=merchant.id, settings={"currency": "SEK"})

    changed = fresh(shop)
    assert secrets_in(shop) == before
    assert (changed.name, changed.settings["currency"]) == ("Läden & Söhne", "SEK")
    assert changed.settings["status_map"] == {"at-press": "processing"}
    assert changed.settings["base_url"] == shop.settings["base_url"]
    assert changed.settings_version == 2
    assert [data for name, data, _ in events_of(shop) if name == "connection.changed"][-1] == {
        "fields": ["currency", "name", "status_map"]
    }


def test_a_rotated_secret_verifies_beside_the_new_one_until_the_overlap_ends(
    merchant: Merchant,
) -> None:
    shop = a_shop(merchant)

    services.rotate_secret(
        shop.id,
        merchant_id=merchant.id,
        name=credentials.WEBHOOK_SIGNING,
        text="the-new-one",
        overlap=timedelta(hours=2),
    )
    during = signing(shop)
    with scope.merchant(merchant.id):
        Credential.objects.filter(expires_at__isnull=False).update(
            expires_at=F("expires_at") - timedelta(hours=3)
        )

    assert during == ("the-new-one", SHOP_SECRET)
    assert signing(shop) == ("the-new-one",)


def test_a_ping_tells_which_account_it_is(
    merchant: Merchant, shop_outside: tuple[WooCommerce, str]
) -> None:
    shop = connected(merchant, *shop_outside)

    result = pings.ping_connection(shop.id, merchant_id=merchant.id)

    seen = fresh(shop)
    assert seen.account == f"woocommerce:{result.identity.lower()}"
    assert seen.last_ping_at is not None
    assert seen.status == Status.OBSERVING


def test_refused_credentials_stop_a_connection_and_good_ones_bring_it_back(
    merchant: Merchant, shop_outside: tuple[WooCommerce, str]
) -> None:
    simulator, address = shop_outside
    shop = connected(merchant, simulator, address)
    services.go_live(shop.id, merchant_id=merchant.id)
    good = simulator.options.consumer_key

    simulator.revoke_key()
    with pytest.raises(Misconfigured):
        pings.ping_connection(shop.id, merchant_id=merchant.id)
    refused = fresh(shop)
    simulator.options.consumer_key = good
    pings.ping_connection(shop.id, merchant_id=merchant.id)

    assert refused.status == Status.MISCONFIGURED
    assert refused.status_reason != ""
    assert fresh(shop).status == Status.LIVE
    assert [name for name, _, _ in events_of(shop)][-2:] == [
        "connection.misconfigured",
        "connection.recovered",
    ]


@pytest.mark.parametrize("status", [Status.OBSERVING, Status.LIVE, Status.PAUSED])
def test_a_mended_connection_returns_to_where_it_was(merchant: Merchant, status: Status) -> None:
    house = a_print_house(merchant)
    if status != Status.OBSERVING:
        services.go_live(house.id, merchant_id=merchant.id)
    if status == Status.PAUSED:
        services.pause(house.id, merchant_id=merchant.id, reason="stocktaking")

    faults.refuse_ping(house.id, merchant_id=merchant.id, reason="401")
    faults.refuse_ping(house.id, merchant_id=merchant.id, reason="401 again")
    pings.accept_ping(house.id, merchant_id=merchant.id, result=ping_of("druck"))

    assert fresh(house).status == status


def test_silence_proves_nothing(merchant: Merchant) -> None:
    shop = a_shop(merchant)  # nobody answers at its address
    services.go_live(shop.id, merchant_id=merchant.id)

    with pytest.raises(Unavailable):
        pings.ping_connection(shop.id, merchant_id=merchant.id)

    assert fresh(shop).status == Status.LIVE


def ping_of(identity: str, mode: Mode | None = None) -> PingResult:
    return PingResult(identity=identity, name="Druckerei Å", mode=mode)


def test_the_same_account_again_resumes_the_archived_connection(merchant: Merchant) -> None:
    first = a_print_house(merchant, identity="Druck-77")
    services.go_live(first.id, merchant_id=merchant.id)
    services.archive(first.id, merchant_id=merchant.id, reason="contract ended")

    again = a_print_house(merchant, identity="DRUCK-77")

    assert (again.id, again.token) == (first.id, first.token)
    assert (again.status, again.live_since) == (Status.OBSERVING, None)
    assert secrets_in(again)["api_key"] == "key-73c2d1"


def test_an_account_found_out_later_is_folded_into_the_archived_one(merchant: Merchant) -> None:
    first = a_print_house(merchant, identity="druck-77")
    services.archive(first.id, merchant_id=merchant.id, reason="contract ended")
    new = a_print_house(merchant)

    kept = pings.accept_ping(new.id, merchant_id=merchant.id, result=ping_of("druck-77"))

    with scope.system():
        found = queries.receiving_by_tokens([first.token, new.token])
    assert kept.id == first.id
    assert fresh(new).status == Status.ARCHIVED
    assert {token: one.connection_id for token, one in found.items()} == {
        first.token: first.id,
        new.token: first.id,
    }
    assert secrets_in(first)["api_key"] == "key-73c2d1"


def test_an_account_cannot_be_connected_twice(merchant: Merchant, other_merchant: Merchant) -> None:
    first = a_print_house(merchant, identity="druck-77")

    with pytest.raises(services.AccountTaken, match=first.code):
        a_print_house(merchant, identity="druck-77")
    a_print_house(merchant, identity="druck-77", mode=Mode.TEST)
    a_print_house(other_merchant, identity="druck-77")


@pytest.mark.parametrize(
    ("_case", "result", "said"),
    [
        ("another account", ping_of("other-9"), "other-9"),
        ("the other mode", ping_of("druck-77", Mode.TEST), "test credentials"),
    ],
)
def test_credentials_that_belong_elsewhere_are_refused(
    merchant: Merchant, _case: str, result: PingResult, said: str
) -> None:
    house = a_print_house(merchant, identity="druck-77")

    with pytest.raises(Misconfigured, match=said):
        pings.must_fit(house, result)


def test_an_archived_connection_has_no_address_and_no_secrets(merchant: Merchant) -> None:
    house = a_print_house(merchant)
    services.archive(house.id, merchant_id=merchant.id, reason="closed")

    with scope.system():
        assert queries.receiving_by_tokens([house.token]) == {}
        assert queries.receiving_by_alias("prodigi") == []
    assert secrets_in(house) == {}
    with pytest.raises(IllegalStep, match="archived"):
        services.go_live(house.id, merchant_id=merchant.id)


def test_going_live_sets_the_instant_once_and_a_pause_keeps_it(merchant: Merchant) -> None:
    shop = a_shop(merchant)
    since = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)

    services.go_live(shop.id, merchant_id=merchant.id, since=since)
    services.go_live(shop.id, merchant_id=merchant.id)
    services.pause(shop.id, merchant_id=merchant.id, reason="stocktaking")
    services.pause(shop.id, merchant_id=merchant.id, reason="again")
    resumed = services.resume(shop.id, merchant_id=merchant.id, reason="done")

    assert (resumed.status, resumed.live_since) == (Status.LIVE, since)
    assert [(name, data["to"]) for name, data, _ in events_of(shop) if "to" in data] == [
        ("connection.went_live", "live"),
        ("connection.paused", "paused"),
        ("connection.resumed", "live"),
    ]


def test_a_policy_is_changed_key_by_key(merchant: Merchant) -> None:
    shop = a_shop(merchant)

    services.change_policy(
        shop.id, merchant_id=merchant.id, changes={"cooling_off_seconds": 60, "sender": "hub"}
    )
    services.change_policy(shop.id, merchant_id=merchant.id, changes={"sender": None})

    assert fresh(shop).policy == {"cooling_off_seconds": 60}


def test_another_merchants_connection_cannot_be_touched(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    shop = a_shop(merchant)

    with pytest.raises(Connection.DoesNotExist):
        services.archive(shop.id, merchant_id=other_merchant.id, reason="mine now")
    with scope.merchant(other_merchant.id):
        assert connections.tiles("live") == []


def test_the_environment_makes_first_connections_once(merchant: Merchant) -> None:
    variables = {
        "STRIPE_SECRET_KEY": "sk_test_5e5e",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "PRODIGI_API_KEY": "key",
        "PRODIGI_ENVIRONMENT": "production",
        "UNRELATED": "x",
    }

    added = environment.connect_from_environment(merchant.id, variables)
    again = environment.connect_from_environment(merchant.id, variables)

    assert sorted((one.code, one.mode, one.status) for one in added) == [
        ("prodigi", "live", "observing"),
        ("stripe", "test", "observing"),
    ]
    assert again == []


def test_half_an_environment_is_a_fault_that_names_the_other_half(merchant: Merchant) -> None:
    with pytest.raises(environment.IncompleteEnvironment, match="STRIPE_SECRET_KEY"):
        environment.connect_from_environment(merchant.id, {"STRIPE_WEBHOOK_SECRET": "whsec_1"})


def test_a_tile_says_how_a_connection_is_doing(merchant: Merchant) -> None:
    shop, gateway = a_shop(merchant), a_gateway(merchant)
    services.pause_effects(
        merchant.id, mode=Mode.LIVE, flow="submissions", reason="flood", by="user:3"
    )

    with scope.merchant(merchant.id):
        here, there = connections.tiles("live"), connections.tiles("test")
        pauses = [(pause.mode, pause.reason) for pause in queries.open_pauses()]

    assert pauses == [("live", "flood")]
    assert [(one.id, one.read_at, one.calls, one.errors) for one in here] == [(shop.id, None, 0, 0)]
    assert [one.id for one in there] == [gateway.id]
