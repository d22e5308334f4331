"""Customers read the carriers' names, not a platform's codes for them."""

import pytest

from entrepot.canon.carriers import carrier_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("dhl", "DHL"),
        ("royal-mail", "Royal Mail"),
        ("RoyalMail", "Royal Mail"),
        ("australia_post", "Australia Post"),
        ("DHLExpress", "DHL Express"),
        ("Österreichische Post", "Österreichische Post"),
        ("seagull-couriers", "seagull-couriers"),
        ("", ""),
    ],
)
def test_a_carrier_is_called_what_people_call_it(code: str, name: str) -> None:
    assert carrier_name(code) == name
