"""How an address names its town, as people of its country write it."""

import pytest

from entrepot.canon.places import Address
from entrepot.connect.towns import town_lines


@pytest.mark.parametrize(
    ("country", "postal_code", "city", "region", "lines"),
    [
        ("DE", "50667", "Köln", "", ["50667 Köln"]),
        ("DE", "50667", "Köln", "Nordrhein-Westfalen", ["50667 Köln", "Nordrhein-Westfalen"]),
        ("US", "62704", "Springfield", "IL", ["Springfield, IL 62704"]),
        ("US", "62704", "Springfield", "", ["Springfield, 62704"]),
        ("US", "", "Springfield", "IL", ["Springfield, IL"]),
        ("GB", "SW1A 1AA", "London", "", ["London", "SW1A 1AA"]),
        ("IE", "H91 X2K3", "Galway", "Co. Galway", ["Galway", "Co. Galway", "H91 X2K3"]),
        ("BR", "01310-100", "São Paulo", "SP", ["São Paulo-SP", "01310-100"]),
        ("JP", "104-0061", "中央区", "東京都", ["〒104-0061", "東京都", "中央区"]),
        ("JP", "104-0061", "Chuo-ku", "Tokyo", ["Chuo-ku", "Tokyo", "104-0061"]),
        ("CN", "518000", "深圳市", "广东省", ["518000", "广东省深圳市"]),
        ("AE", "00000", "دبي", "إمارة دبي", ["00000 دبي", "إمارة دبي"]),
        ("GH", "GA-184", "Accra", "Greater Accra", ["GA-184 Accra", "Greater Accra"]),
        ("", "1010", "Wien", "W", ["1010 Wien", "W"]),
        ("XK", "", "Prishtinë", "", ["Prishtinë"]),
        ("DE", "", "", "", []),
    ],
)
def test_a_town_is_written_as_in_its_country_and_loses_nothing(
    country: str, postal_code: str, city: str, region: str, lines: list[str]
) -> None:
    address = Address(country=country, postal_code=postal_code, city=city, region=region)

    assert town_lines(address) == lines
