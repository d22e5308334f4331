"""A key that a ping proves, and that may not do all that the hub does with it."""

from datetime import timedelta

import pytest
from django.db.models import F

from entrepot.access import scope
from entrepot.canon.messages import Flow
from entrepot.connections import credentials, cursors, pings, services
from entrepot.connections.models import Connection
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.monitoring.models import Alert
from entrepot.tasks import connections, polling
from entrepot.tasks.alerts import watch
from tests.rules.test_rule_17 import bank, gateway
from tests.rules.trade import Trade

__all__ = ["bank", "gateway"]


@pytest.fixture
def restricted(bank: StripeSimulator, gateway: Connection) -> str:
    """The gateway's key, which may not read events."""
    with scope.merchant(gateway.merchant_id):
        kept = credentials.valid_credentials([gateway.id])[gateway.id]
    key = credentials.newest_of(kept)["secret_key"]
    bank.restrict_key(key, paths=("/v1/events",))
    return key


def read_events(gateway: Connection) -> str:
    """What the clock and a worker do; the status of the connection afterwards."""
    merchant_id = gateway.merchant_id
    cursors.poll_now(gateway.id, merchant_id=merchant_id)
    polling.poll_due()
    polling.poll(merchant_id=merchant_id, connection_id=gateway.id, flow=Flow.PAYMENTS)
    return now(gateway).status


def ping(gateway: Connection) -> str:
    """What happens every ten minutes; the status of the connection afterwards."""
    assert connections.ping(merchant_id=gateway.merchant_id, subject_id=gateway.id)
    return now(gateway).status


def now(gateway: Connection) -> Connection:
    with scope.merchant(gateway.merchant_id):
        return Connection.objects.get(id=gateway.id)


def test_it_goes_on_by_itself_once_and_then_waits_for_a_person(
    trade: Trade, gateway: Connection, restricted: str
) -> None:
    said = []
    for _ in range(3):
        said += [read_events(gateway), ping(gateway)]
        watch()

    assert said == ["misconfigured", "live", *["misconfigured"] * 4]
    names = ("connection.misconfigured", "connection.recovered")
    assert trade.events(*names) == [names[0], names[1], names[0]]
    with scope.merchant(trade.merchant.id):
        (alert,) = Alert.objects.filter(kind="connection_misconfigured", recovered_at=None)
    assert "required permissions" in alert.detail
    assert "A test is passed with this key" in alert.detail
    assert "press Test" in alert.detail


def test_a_person_who_tests_it_lets_it_go_on(gateway: Connection, restricted: str) -> None:
    refuse_twice(gateway)
    merchant_id = gateway.merchant_id

    pings.ping_connection(gateway.id, merchant_id=merchant_id, is_person=True)
    tested, refused = now(gateway).status, [read_events(gateway), ping(gateway)]
    pings.ping_connection(gateway.id, merchant_id=merchant_id, is_person=True)

    assert (tested, refused) == ("live", ["misconfigured"] * 2)
    assert now(gateway).status == "live"


def test_a_key_that_may_do_all_lets_it_go_on_by_itself(
    bank: StripeSimulator, gateway: Connection, restricted: str
) -> None:
    refuse_twice(gateway)
    other = restricted[:-1] + "Q"

    services.change_settings(
        gateway.id,
        merchant_id=gateway.merchant_id,
        settings={**gateway.settings, "secret_key": other},
    )

    assert [ping(gateway), read_events(gateway)] == ["live", "live"]


def test_what_is_refused_again_much_later_is_a_fault_of_its_own(
    gateway: Connection, restricted: str
) -> None:
    assert [read_events(gateway), ping(gateway)] == ["misconfigured", "live"]
    with scope.merchant(gateway.merchant_id):
        before = F("recovered_at") - timedelta(hours=25)
        Connection.objects.filter(id=gateway.id).update(recovered_at=before)

    assert [read_events(gateway), ping(gateway)] == ["misconfigured", "live"]


def test_a_key_that_a_ping_tells_of_goes_on_as_often_as_it_is_taken_again(
    bank: StripeSimulator, gateway: Connection, restricted: str
) -> None:
    said = []
    for _ in range(3):
        bank.restrict_key(restricted, paths=("/v1/account",))
        connections.ping(merchant_id=gateway.merchant_id, subject_id=gateway.id)
        said.append(now(gateway).status)
        bank.restrict_key(restricted, paths=())
        said.append(ping(gateway))

    assert said == ["misconfigured", "live"] * 3


def refuse_twice(gateway: Connection) -> None:
    assert [read_events(gateway), ping(gateway), read_events(gateway), ping(gateway)] == [
        "misconfigured",
        "live",
        "misconfigured",
        "misconfigured",
    ]
