"""A platform's code is said in words; whatever is no code stays as it is."""

import pytest

from entrepot.connect.words import spoken


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("MustBeAValidUSZipCodeFormat", "must be a valid US zip code format"),
        ("MustBeNoLongerThan2000Characters", "must be no longer than 2000 characters"),
        ("SkuNotFound", "SKU not found"),
        ("postalOrZipCode", "postal or zip code"),
        ("requested_by_customer", "requested by customer"),
        ("invalid_address_id", "invalid address ID"),
        ("Required", "Required"),
        ("DHL", "DHL"),
        ("zerkratzt, siehe Bild_2", "zerkratzt, siehe Bild_2"),
        ("order.items.assets.NotDownloaded", "order.items.assets.NotDownloaded"),
        ("鴎_鳥", "鴎_鳥"),
        ("", ""),
    ],
)
def test_a_code_is_said_in_words(code: str, words: str) -> None:
    assert spoken(code) == words
