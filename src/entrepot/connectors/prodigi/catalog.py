"""What the simulated Prodigi makes: products, labs, carriers and prices.

Invented, with the shape of the real thing: several labs per order, carriers by country and service,
post without tracking, prices in pounds turned into the currency that was asked for.
"""

import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal

from entrepot.canon.money import Money

METHODS = ("Budget", "Standard", "StandardPlus", "Express", "Overnight")
QUOTED_METHODS = (
    "Budget",
    "Standard",
    "Express",
    "Overnight",
)  # "one quote per method": these four
SIZINGS = ("fillPrintArea", "fitPrintArea", "stretchToPrintArea")
SKU = re.compile(r"GLOBAL-(?P<family>[A-Z]+)-(?P<size>[0-9A-Z]+)(-GONE)?")

# Pounds to others; fixed, so that a run repeats.
RATES = {
    "GBP": Decimal(1), "EUR": Decimal("1.17"), "USD": Decimal("1.29"), "SEK": Decimal("13.4"),
    "JPY": Decimal(196), "KWD": Decimal("0.394"), "AUD": Decimal("1.96"), "CAD": Decimal("1.78"),
}  # fmt: skip
SHIPPING = {
    "Budget": Decimal("3.95"),
    "Standard": Decimal("6.95"),
    "StandardPlus": Decimal("8.95"),
    "Express": Decimal("14.95"),
    "Overnight": Decimal("24.95"),
}
EUROPE = frozenset(
    (
        "AT", "BE", "BG", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
        "IE", "IT", "LT", "LU", "LV", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Family:
    """Products that one lab makes: their sizes, the price of the first inches, what they need."""

    lab: int
    price: Decimal
    sizes: tuple[str, ...]
    required_attribute: str = ""
    is_tracked: bool = True


FAMILIES = {
    "FAP": Family(  # fine art prints
        lab=1,
        price=Decimal("9.50"),
        sizes=("8X10", "12X16", "16X20", "16X24", "20X28", "24X32"),
    ),
    "CFP": Family(lab=1, price=Decimal("12.00"), sizes=("8X10", "12X16")),
    "CAN": Family(
        lab=2, price=Decimal("21.00"), sizes=("10X10", "16X20"), required_attribute="wrap"
    ),
    "CFPM": Family(
        lab=2, price=Decimal("38.00"), sizes=("8X10", "16X20"), required_attribute="color"
    ),
    "MUG": Family(lab=3, price=Decimal("6.20"), sizes=("11OZ", "W")),
    # Stickers and cards go as letters.
    "STI": Family(lab=4, price=Decimal("1.10"), sizes=("3X4",), is_tracked=False),
    "POST": Family(lab=4, price=Decimal("0.85"), sizes=("6X4",), is_tracked=False),
}


@dataclass(frozen=True, slots=True)
class Service:
    """A carrier's service out of one country."""

    carrier: str
    service: str
    lab_country: str


def family_of(sku: str) -> Family:
    """The family of a SKU that is known, by its second word."""
    return FAMILIES[sku.strip().upper().split("-")[1]]


def is_known(sku: str) -> bool:
    """Whether the catalogue has it; SKUs are compared without regard to case."""
    found = SKU.fullmatch(sku.strip().upper())
    family = FAMILIES.get(found["family"]) if found else None
    return found is not None and family is not None and found["size"] in family.sizes


def service_to(country: str, method: str) -> Service:
    """Who carries it there."""
    fast = method in {"Express", "Overnight"}
    if country == "US":
        return Service(*(("ups", "Next Day Air") if fast else ("usps", "Ground Advantage")), "US")
    if country == "GB":
        return Service(*(("dpd", "Next Day") if fast else ("royalmail", "Tracked 48")), "GB")
    if country in EUROPE:
        return Service(*(("dhl", "Express Worldwide") if fast else ("dpd", "Classic")), "NL")
    return Service("dhl", "Express Worldwide" if fast else "Parcel International", "GB")


def unit_cost(sku: str, currency: str) -> Money:
    """The price of one, larger sizes dearer."""
    sizes = [int(number) for number in re.findall(r"\d+", sku)[-2:]]
    area = Decimal(sizes[0] * sizes[1] if len(sizes) == 2 else 64)
    pounds = family_of(sku).price + area * Decimal("0.018")
    return Money(pounds * rate_of(currency), currency).rounded()


def shipping_cost(country: str, method: str, *, currency: str) -> Money:
    """One shipment's carriage."""
    region = Decimal(1) if country in EUROPE | {"GB", "US"} else Decimal("1.8")
    return Money(SHIPPING[method] * region * rate_of(currency), currency).rounded()


def rate_of(currency: str) -> Decimal:
    """Pounds in that currency; unknown ones are taken one to one."""
    return RATES.get(currency, Decimal(1))


def tracking_number(carrier: str, *, seed: int, order_id: str, index: int) -> str:
    """A number like that carrier's, the same for the same order and seed."""
    digest = hashlib.sha256(f"{seed}:{order_id}:{index}".encode()).hexdigest()
    digits = str(int(digest, 16))
    match carrier:
        case "usps":
            return "9400" + digits[:18]
        case "ups":
            return "1Z" + digest[:8].upper() + digits[:8]
        case "royalmail":
            return "RN" + digits[:9] + "GB"
        case "dhl":
            return "JJD" + digits[:18]
        case _:
            return digits[:14]
