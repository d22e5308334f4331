"""Carriers by the names that people know; platforms call them by codes of their own."""

import re

# By a code's letters and digits alone; other platforms' spellings of the same carrier included.
_NAMES = {
    "asendia": "Asendia",
    "australiapost": "Australia Post",
    "auspost": "Australia Post",
    "bpost": "bpost",
    "canadapost": "Canada Post",
    "colissimo": "Colissimo",
    "deutschepost": "Deutsche Post",
    "dhl": "DHL",
    "dhlexpress": "DHL Express",
    "dpd": "DPD",
    "dpduk": "DPD",
    "evri": "Evri",
    "fedex": "FedEx",
    "gls": "GLS",
    "hermes": "Hermes",
    "inpost": "InPost",
    "japanpost": "Japan Post",
    "laposte": "La Poste",
    "ontrac": "OnTrac",
    "parcelforce": "Parcelforce",
    "postnl": "PostNL",
    "postnord": "PostNord",
    "royalmail": "Royal Mail",
    "sagawa": "Sagawa",
    "swisspost": "Swiss Post",
    "tnt": "TNT",
    "ups": "UPS",
    "usps": "USPS",
    "yamato": "Yamato",
}


def carrier_name(carrier: str) -> str:
    """What people call a carrier; one that is not known stays as the platform writes it."""
    return _NAMES.get(re.sub(r"[^a-z0-9]", "", carrier.casefold()), carrier)
