"""The provider without an outside answers by itself."""

from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, Fulfills


def test_ping_answers_without_a_call_and_in_the_mode_of_the_connection() -> None:
    account = Account(mode=Mode.LIVE, settings={})
    platform = registry.platform("by_hand")

    client = platform.client(Http(platform.base_url(account)), account)

    assert client.ping().mode is Mode.LIVE
    assert client.ping().identity == "by-hand"


def test_nothing_can_be_submitted_to_it_and_nothing_comes_from_it() -> None:
    platform = registry.platform("by_hand")
    account = Account(mode=Mode.TEST, settings={})

    assert not isinstance(platform.client(Http(""), account), Fulfills)
    assert not platform.offers("webhook")
    assert not platform.offers("simulator")
    assert platform.manifest.carries_stock
    assert platform.manifest.settings == ()
