"""What the sandbox's merchant sells, and who buys it."""

import random
from dataclasses import replace

from entrepot.connect.world import Good, Person

# Where the sandbox keeps the merchant's print files, below its own address.
ARTWORK = "/artwork"

GOODS = (
    Good(
        sku="MOEWE-A3",
        title="Kunstdruck „Möwe“, A3",
        prices={"EUR": "29.90", "JPY": "4800", "USD": "34.00", "SEK": "349", "GBP": "26.50"},
        made_as="art print, small",
        artwork_url=f"{ARTWORK}/moewe-a3.png",
    ),
    Good(
        sku="MOEWE-A1",
        title="Kunstdruck „Möwe“, A1",
        prices={"EUR": "64.00", "JPY": "9800", "USD": "72.00", "SEK": "749", "GBP": "56.00"},
        made_as="art print, large",
        artwork_url=f"{ARTWORK}/moewe-a1.png",
    ),
    Good(
        sku="FYR-CANVAS",
        title="Canvas „Fyr i storm“",
        prices={"EUR": "89.50", "JPY": "13500", "USD": "98.00", "SEK": "995", "GBP": "79.00"},
        made_as="canvas",
        artwork_url=f"{ARTWORK}/fyr.png",
    ),
    Good(
        sku="MUG-11OZ",
        title="Mug 11oz 🐦",
        prices={"EUR": "14.50", "JPY": "2200", "USD": "16.00", "SEK": "165", "GBP": "12.90"},
        made_as="mug",
        artwork_url=f"{ARTWORK}/mug.png",
    ),
)
LETTER = Good(
    sku="STICKER-鴎",
    title="Sticker 鴎",
    prices={"EUR": "3.20", "JPY": "450", "USD": "3.50", "SEK": "35", "GBP": "2.80"},
    made_as="sticker",
    artwork_url=f"{ARTWORK}/sticker.png",
)
OWN_PHOTO = Good(
    sku="OWN-PHOTO-A3",
    title="Your own photo, A3",
    prices={"EUR": "34.90", "JPY": "5600", "USD": "39.00"},
    made_as="art print, small",
    asks_artwork=True,
)
LOST_FILE = Good(
    sku="RETRO-A3",
    title="Retro poster, A3",
    prices={"EUR": "27.00", "JPY": "4300", "USD": "31.00", "SEK": "319", "GBP": "24.00"},
    made_as="art print, small",
    artwork_url=f"{ARTWORK}/missing/retro-a3.png",
)
UNMAPPED = Good(
    sku="PUFFIN-TOTE",
    title="Tote bag „Lundi“",
    prices={"EUR": "22.00", "JPY": "3500", "USD": "25.00", "SEK": "259", "GBP": "19.50"},
)
GUIDE = Good(
    sku="GIFT-GUIDE-PDF",
    title="Gift wrap guide (PDF)",
    prices={"EUR": "3.00", "JPY": "480", "USD": "3.50", "SEK": "35", "GBP": "2.50"},
    is_virtual=True,
)
ALL_GOODS = (*GOODS, LETTER, OWN_PHOTO, LOST_FILE, UNMAPPED, GUIDE)

PEOPLE = {
    "EUR": (
        ("Änne", "Ørsted-Łukasik", "Straße der Möwen 7", "Köln", "50667", "DE", "+49 221 5550142"),
        ("Zoë", "D’Amboise", "12 rue de l’Île", "Nantes", "44000", "FR", "+33 2 55 50 01 43"),
        ("Žofie", "Pokusná", "Zkušební 12", "Brno", "602 00", "CZ", "+420 555 000 111"),
        ("Jürg", "Grünenfelder", "Seestrasse 4", "Zürich", "8002", "CH", "+41 44 555 01 44"),
    ),
    "JPY": (
        ("花子", "山田", "神南1-2-3", "渋谷区", "150-0041", "JP", "+81 3 5555 0145"),
        ("健", "鈴木", "梅田4-5-6", "大阪市北区", "530-0001", "JP", "+81 6 5555 0146"),
    ),
    "USD": (
        ("José", "Núñez", "742 Harbor Way", "Portland", "97209", "US", "+1 503 555 0147"),
        ("Mae", "O’Neil", "18 Cedar St Apt 4", "Burlington", "05401", "US", "+1 802 555 0148"),
    ),
    "SEK": (
        ("Åsa", "Öberg", "Fyrvägen 3", "Göteborg", "411 01", "SE", "+46 31 555 01 49"),
        ("Björn", "Ekström", "Hamngatan 21", "Malmö", "211 22", "SE", "+46 40 555 01 50"),
    ),
    "GBP": (("Siân", "Pugh", "5 Quay Lane", "Falmouth", "TR11 3HH", "GB", "+44 1326 555 151"),),
}
STATES = {"97209": "OR", "05401": "VT"}


def somebody(dice: random.Random, name: str, *, currency: str) -> Person:
    """A customer who pays in that currency; each sale has one of its own, by its name."""
    first, last, line1, city, postal_code, country, phone = dice.choice(PEOPLE[currency])
    return Person(
        first_name=first,
        last_name=last,
        email=f"kunde{name}@{country.lower()}.example",
        phone=phone,
        line1=f"{line1} / {name}",
        city=city,
        postal_code=postal_code,
        country=country,
        state=STATES.get(postal_code, ""),
    )


def at_a_bad_address(person: Person) -> Person:
    """The same person, at an address that no provider takes: a zip code without its digits."""
    return replace(person, country="US", postal_code="972XX", city="Portland", state="OR")
