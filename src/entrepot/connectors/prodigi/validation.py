"""What the simulated Prodigi refuses, in the shape of its own answers.

Source: answers 400 quoted by public integrations, 2025-11 (`Required`, `MustNotBeEmptyArray`,
`SkuNotFound`, `MustBeAValidUSZipCodeFormat`); the other codes are named by analogy.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from entrepot.connectors.prodigi import catalog

METADATA_LIMIT = 2000
ZIP = re.compile(r"^\d{5}(-\d{4})?$")
MD5 = re.compile(r"^[0-9a-fA-F]{32}$")

Failures = dict[str, list[dict[str, Any]]]


def failures_of_order(body: dict[str, Any]) -> Failures:
    """Everything wrong with a body of POST /orders, by field."""
    found = [
        *_of_choice(body, "shippingMethod", catalog.METHODS),
        *_of_recipient(_object(body, "recipient"), "recipient."),
        *_of_items(body.get("items"), is_order=True),
    ]
    if len(msgspec.json.encode(body.get("metadata")).decode()) > METADATA_LIMIT:
        found.append(("metadata", "MustBeNoLongerThan2000Characters", None))
    return _grouped(found)


def failures_of_quote(body: dict[str, Any]) -> Failures:
    """Everything wrong with a body of POST /quotes, by field."""
    found = [*_of_country(body, ""), *_of_items(body.get("items"), is_order=False)]
    if body.get("shippingMethod") is not None:
        found += _of_choice(body, "shippingMethod", catalog.METHODS)
    if body.get("currencyCode") is not None:
        found += _of_choice(body, "currencyCode", tuple(catalog.RATES))
    return _grouped(found)


def failures_of_recipient(body: dict[str, Any]) -> Failures:
    """Everything wrong with a body of updateRecipient, where contact details are required."""
    contact = [
        (name, "Required", body.get(name))
        for name in ("email", "phoneNumber")
        if not isinstance(body.get(name), str)
    ]
    return _grouped([*_of_recipient(body, ""), *contact])


Found = tuple[str, str, Any]


def _of_recipient(recipient: dict[str, Any], path: str) -> Iterator[Found]:
    address = _object(recipient, "address")
    for holder, name, where in (
        (recipient, "name", path),
        *(
            (address, name, f"{path}address.")
            for name in ("line1", "townOrCity", "postalOrZipCode")
        ),
    ):
        if not isinstance(holder.get(name), str) or not holder[name].strip():
            yield f"{where}{name}", "Required", holder.get(name)
    yield from _of_country(
        {"destinationCountryCode": address.get("countryCode")}, f"{path}address."
    )
    zip_code = address.get("postalOrZipCode")
    is_american = str(address.get("countryCode")).upper() == "US"
    if is_american and isinstance(zip_code, str) and zip_code and not ZIP.match(zip_code):
        yield f"{path}address.postalOrZipCode", "MustBeAValidUSZipCodeFormat", zip_code
    email = recipient.get("email")
    if email and (not isinstance(email, str) or "@" not in email):
        yield f"{path}email", "MustBeAValidEmailAddress", email


def _of_country(body: dict[str, Any], path: str) -> Iterator[Found]:
    code = body.get("destinationCountryCode")
    name = f"{path}countryCode" if path else "destinationCountryCode"
    if not code:
        yield name, "Required", code
    elif not isinstance(code, str) or not re.fullmatch(r"[A-Za-z]{2}", code):
        yield name, "MustBeAValidCountryCode", code


def _of_items(items: Any, *, is_order: bool) -> Iterator[Found]:
    if not isinstance(items, list) or not items:
        yield "items", "MustNotBeEmptyArray", items
        return
    for index, item in enumerate(items):
        path = f"items[{index}]."
        if not isinstance(item, dict):
            yield path.rstrip("."), "Required", item
            continue
        yield from _of_product(item, path)
        copies = item.get("copies")
        if not isinstance(copies, int) or isinstance(copies, bool) or copies < 1:
            yield f"{path}copies", "MustBeGreaterThanZero", copies
        if is_order:
            yield from _of_choice(item, "sizing", catalog.SIZINGS, path)
        assets = item.get("assets")
        for place, asset in enumerate(assets if isinstance(assets, list) else []):
            yield from _of_asset(asset, f"{path}assets[{place}].", is_order=is_order)


def _of_product(item: dict[str, Any], path: str) -> Iterator[Found]:
    sku = item.get("sku")
    if not isinstance(sku, str) or not sku.strip():
        yield f"{path}sku", "Required", sku
        return
    if not catalog.is_known(sku):
        yield f"{path}sku", "SkuNotFound", sku
        return
    wanted = catalog.family_of(sku).required_attribute
    if wanted and wanted not in (item.get("attributes") or {}):
        yield f"{path}attributes.{wanted}", "Required", None


def _of_asset(asset: Any, path: str, *, is_order: bool) -> Iterator[Found]:
    asset = asset if isinstance(asset, dict) else {}
    if not asset.get("printArea"):
        yield f"{path}printArea", "Required", asset.get("printArea")
    url = asset.get("url")
    if is_order and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        yield f"{path}url", "MustBeAValidUrl", url
    md5 = asset.get("md5Hash")
    if md5 and not (isinstance(md5, str) and MD5.match(md5)):
        yield f"{path}md5Hash", "MustBeAValidMd5Hash", md5


def _of_choice(
    body: dict[str, Any], name: str, choices: tuple[str, ...], path: str = ""
) -> Iterator[Found]:
    value = body.get(name)
    if not value:
        yield f"{path}{name}", "Required", value
    elif str(value).casefold() not in {choice.casefold() for choice in choices}:
        yield f"{path}{name}", "MustBeAValidValue", value


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _grouped(found: list[Found]) -> Failures:
    failures: Failures = {}
    for field, code, value in found:
        failures.setdefault(field, []).append({"code": code, "providedValue": value})
    return failures
