"""A connection to Stripe: what client and key can do, and the webhooks registered for it."""

from collections.abc import Callable

import pytest

from entrepot.canon.orders import Mode
from entrepot.connect.errors import Misconfigured
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, Captures, OpensCheckouts, Pulls, Refunds, Subscribes
from entrepot.connectors.stripe.client import Client, mode_of
from entrepot.connectors.stripe.fields import API_VERSION
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import HOOK, refund_of
from entrepot.connectors.stripe.webhook import TOPICS


def test_the_client_is_what_its_manifest_says(client: Client) -> None:
    for capability in (Pulls, Subscribes, OpensCheckouts, Refunds, Captures):
        assert isinstance(client, capability)


# -- who we are --


def test_a_ping_tells_the_account_and_its_mode(client: Client, simulator: StripeSimulator) -> None:
    found = client.ping()

    assert found.identity == simulator.desk.account["id"]
    assert found.name == "Entrepôt Sandbox"
    assert (found.mode, found.api_version, found.warnings) == (Mode.TEST, API_VERSION, ())


def test_a_key_of_the_other_mode_is_named(account: Account) -> None:
    live = Account(mode=Mode.LIVE, settings=account.settings)
    found = Client(Http(str(account.settings["base_url"])), live).ping()

    assert found.mode is Mode.TEST
    assert found.warnings == ("the key is of test mode, the connection of live",)


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("sk_live_1", Mode.LIVE),
        ("rk_live_1", Mode.LIVE),
        ("sk_test_1", Mode.TEST),
        ("pk_test_1", None),
        ("nonsense", None),
    ],
)
def test_a_key_tells_its_mode(key: str, mode: Mode | None) -> None:
    assert mode_of(key) is mode


@pytest.mark.parametrize("key", ["", "nonsense", "sk_test_a b", "sk_test_…", "sk_test_rolled"])
def test_a_wrong_or_expired_key_needs_a_person(
    client_with: Callable[..., Client], simulator: StripeSimulator, key: str
) -> None:
    simulator.expire_key("sk_test_rolled")

    with pytest.raises(Misconfigured):
        client_with(secret_key=key).ping()


def test_a_key_without_a_permission_needs_a_person(
    client_with: Callable[..., Client], simulator: StripeSimulator
) -> None:
    simulator.restrict_key("rk_test_1", paths=("/v1/refunds",))
    restricted = client_with(secret_key="rk_test_1")

    assert restricted.ping().identity
    with pytest.raises(Misconfigured, match="permissions"):
        restricted.refund(refund_of("pi_1", "1"))


# -- webhooks --


def test_a_webhook_is_registered_once_with_our_version(
    client: Client, simulator: StripeSimulator
) -> None:
    (made,) = client.subscribe(url=HOOK, secret="")
    (kept,) = client.subscribe(url=HOOK, secret=made.secret)

    assert made.secret.startswith("whsec_")
    assert (made.url, made.api_version, made.topics) == (HOOK, API_VERSION, TOPICS)
    assert (kept.external_id, kept.secret) == (made.external_id, "")
    assert client.subscriptions() == [kept]


def test_a_webhook_that_somebody_changed_is_repaired(
    client: Client, simulator: StripeSimulator
) -> None:
    (made,) = client.subscribe(url=HOOK, secret="")
    endpoint = simulator.books["webhook_endpoints"][made.external_id]
    endpoint.update(status="disabled", enabled_events=["charge.succeeded"])

    (repaired,) = client.subscribe(url=HOOK, secret=made.secret)

    assert repaired.external_id == made.external_id
    assert repaired.is_active
    assert repaired.topics == TOPICS


@pytest.mark.parametrize(
    ("_case", "secret", "version"),
    [("its secret is lost", "", API_VERSION), ("another version", "whsec_by_hand", "2017-08-15")],
)
def test_a_webhook_that_cannot_be_repaired_is_replaced_alone(
    client: Client, simulator: StripeSimulator, _case: str, secret: str, version: str
) -> None:
    stranger = simulator.add_endpoint("https://other.example/hook", secret="whsec_x")
    old = simulator.add_endpoint(HOOK, secret="whsec_by_hand")
    old["api_version"] = version

    (made,) = client.subscribe(url=HOOK, secret=secret)

    assert made.secret.startswith("whsec_")
    assert {found.external_id for found in client.subscriptions()} == {
        stranger["id"],
        made.external_id,
    }


def test_removing_an_absent_webhook_changes_nothing(
    client: Client, simulator: StripeSimulator
) -> None:
    (made,) = client.subscribe(url=HOOK, secret="")

    client.unsubscribe(made.external_id)
    client.unsubscribe(made.external_id)

    assert client.subscriptions() == []
