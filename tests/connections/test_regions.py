"""A shop's code of a state becomes what a carrier of that country can read."""

import pytest

from entrepot.connect.regions import region_of_code


@pytest.mark.parametrize(
    ("_case", "said", "country", "beside", "region"),
    [
        ("with the country, in Latin letters", "JP13", "JP", "Shibuya 2-21-1", "Tokyo"),
        ("with the country, in its own letters", "JP27", "JP", "大阪市北区", "大阪府"),
        ("with a hyphen", "TH-10", "TH", "Bangkok", "Bangkok"),
        ("the country's name as a code of another", "CO-COR", "CO", "Montería", "Córdoba"),
        ("begins like its country by chance", "COR", "CO", "Montería", "Córdoba"),
        ("without the country", "TN", "IN", "Chennai", "Tamil Nadu"),
        ("addresses carry the code", "TX", "US", "Austin", "TX"),
        ("addresses carry the code alone", "IT-RM", "IT", "Roma", "RM"),
        ("Spanish ones have no list of ISO codes", "ES-M", "ES", "Madrid", "M"),
        ("addresses name no region", "DE-BW", "DE", "Stuttgart", ""),
        ("addresses name no region, by number", "KE01", "KE", "Mombasa", ""),
        ("a word where addresses name no region", "Denzlingen", "DE", "Stuttgart", "Denzlingen"),
        ("a word in full", "東京都", "JP", "渋谷区", "東京都"),
        ("a code that nobody knows", "JP99", "JP", "Shibuya", "JP99"),
        ("a country of which no list is known", "BO-L", "BO", "La Paz", "BO-L"),
        ("no country", "JP13", "", "Shibuya", "JP13"),
        ("no country that exists", "QQ-1", "QQ", "", "QQ-1"),
        ("nothing", "", "JP", "Shibuya", ""),
    ],
)
def test_a_region_is_named_as_its_country_does(
    _case: str, said: str, country: str, beside: str, region: str
) -> None:
    assert region_of_code(said, country=country, beside=beside) == region
