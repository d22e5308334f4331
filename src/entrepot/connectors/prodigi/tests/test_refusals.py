"""What Prodigi refuses leaves nothing behind, and is told in words; over HTTP on loopback."""

from dataclasses import replace
from typing import Any

import pytest

from entrepot.canon.fulfillment import RequestedAsset
from entrepot.canon.places import Address
from entrepot.connect.errors import Rejected
from entrepot.connectors.prodigi.client import Client
from entrepot.connectors.prodigi.simulator import ProdigiSimulator, example_request


@pytest.mark.parametrize("sku", ["MUG-1", "GLOBAL-TEAPOT-2L", "GLOBAL-FAP-99X99", "EU-FAP-8X10"])
def test_what_is_not_in_the_catalogue_has_no_price(client: Client, sku: str) -> None:
    request = example_request("E-1-1-1")
    unknown = replace(request, items=(replace(request.items[1], provider_sku=sku),))

    with pytest.raises(Rejected) as refused:
        client.quote(unknown, currency="EUR")

    assert (refused.value.code, refused.value.fault) == ("SkuNotFound", "order")


def test_skus_are_known_whatever_their_case(client: Client) -> None:
    request = example_request("E-1-1-1")
    small = replace(request, items=(replace(request.items[0], provider_sku="global-fap-16x24"),))

    assert client.quote(small, currency="EUR") == client.quote(
        replace(request, items=request.items[:1]), currency="EUR"
    )


@pytest.mark.parametrize(
    ("_case", "change", "code"),
    [
        ("an unknown SKU", {"provider_sku": "MUG-1"}, "SkuNotFound"),
        ("a product of nobody", {"provider_sku": "GLOBAL-TEAPOT-2L"}, "SkuNotFound"),
        ("a size of nobody", {"provider_sku": "GLOBAL-FAP-99X99"}, "SkuNotFound"),
        ("no copies", {"quantity": 0}, "MustBeGreaterThanZero"),
        ("a sizing that is none", {"sizing": "squeeze"}, "MustBeAValidValue"),
        (
            "a link that is none",
            {"assets": (RequestedAsset(print_area="default", url="ftp://x"),)},
            "MustBeAValidUrl",
        ),
    ],
)
def test_a_refused_order_leaves_nothing_behind(
    _case: str,
    change: dict[str, Any],
    code: str,
    client: Client,
    simulator: ProdigiSimulator,
) -> None:
    request = example_request("E-1-1-1")
    request = replace(request, items=(replace(request.items[0], **change), *request.items[1:]))

    with pytest.raises(Rejected) as refused:
        client.submit(request)

    assert (refused.value.code, refused.value.fault) == (code, "order")
    assert simulator.orders == {}


def test_an_american_address_with_a_bad_code_is_refused_without_quoting_it(client: Client) -> None:
    american = Address(
        name="Zoë", line1="1 Main St", city="Austin", postal_code="SW1A 1AA", country="US"
    )

    with pytest.raises(Rejected) as refused:
        client.submit(replace(example_request("E-1-1-1"), recipient=american))

    assert str(refused.value) == (
        "Prodigi refused: postal or zip code: must be a valid US zip code format"
        " (recipient.address.postalOrZipCode: MustBeAValidUSZipCodeFormat)"
    )
