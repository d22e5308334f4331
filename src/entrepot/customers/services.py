"""Keeps customers and addresses, whole batches at a time."""

import hashlib
from collections.abc import Iterable

from entrepot.access import crypto
from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.places import Address
from entrepot.customers.models import Customer
from entrepot.customers.sealing import EMAIL
from entrepot.database import clock, sql

_CUSTOMER_COLUMNS = {
    "merchant_id": "bigint",
    "identity": "text",
    "email_sealed": "text",
    "email_hash": "text",
    "name": "text",
    "phone": "text",
    "company": "text",
    "language": "text",
    "accepts_marketing": "boolean",
}
# Key order is lock order. An empty word never replaces one that we know.
_UPSERT_CUSTOMERS = """
    INSERT INTO customers_customer AS known (
        merchant_id, identity, email_sealed, email_hash, name, phone, company, language,
        accepts_marketing
    )
    SELECT
        merchant_id, identity, decode(email_sealed, 'base64'), email_hash, name, phone, company,
        language, accepts_marketing
    FROM {batch}
    ORDER BY merchant_id, identity
    ON CONFLICT (merchant_id, identity) DO UPDATE SET
        name = coalesce(nullif(excluded.name, ''), known.name),
        phone = coalesce(nullif(excluded.phone, ''), known.phone),
        company = coalesce(nullif(excluded.company, ''), known.company),
        language = coalesce(nullif(excluded.language, ''), known.language),
        accepts_marketing = coalesce(excluded.accepts_marketing, known.accepts_marketing)
    RETURNING merchant_id, identity, id
"""
_ADDRESS_PARTS = (
    "name",
    "company",
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "country",
    "phone",
)
_ADDRESS_NAMES = ", ".join(_ADDRESS_PARTS)
_ADDRESS_COLUMNS = {
    "merchant_id": "bigint",
    "content_hash": "text",
    **dict.fromkeys(_ADDRESS_PARTS, "text"),
}
# The update that changes nothing makes the row of an address we know come back with its id.
_KEEP_ADDRESSES = f"""
    INSERT INTO customers_postal_address AS known (merchant_id, content_hash, {_ADDRESS_NAMES})
    SELECT merchant_id, content_hash, {_ADDRESS_NAMES}
    FROM {{batch}}
    ORDER BY merchant_id, content_hash
    ON CONFLICT (merchant_id, content_hash) DO UPDATE SET content_hash = known.content_hash
    RETURNING merchant_id, content_hash, id
"""


def email_hash(email: str) -> str:
    """The keyed hash under which an e-mail address is looked up; "" for no address."""
    normalized = email.strip().casefold()
    return crypto.keyed_hash(EMAIL, normalized).hex() if normalized else ""


def keep_customers(
    customers: Iterable[tuple[int, str, CustomerSnapshot]],
) -> list[int | None]:
    """Know the buyers of a batch of (merchant, account, snapshot); repeats are one.

    Returns their ids in the order of the batch, None for a buyer without an identity.
    """
    keys: list[tuple[int, str]] = []
    rows: dict[tuple[int, str], dict[str, object]] = {}
    for merchant_id, account, customer in customers:
        email = customer.email.strip()
        hashed = email_hash(email)
        identity = _identity(customer, account=account, hashed=hashed)
        keys.append((merchant_id, identity))
        if not identity:
            continue
        rows[merchant_id, identity] = {
            "merchant_id": merchant_id,
            "identity": identity,
            "email_sealed": crypto.encrypt(EMAIL, email.encode()) if email else b"",
            "email_hash": hashed,
            "name": customer.name,
            "phone": customer.phone,
            "company": customer.company,
            "language": customer.language,
            "accepts_marketing": customer.accepts_marketing,
        }
    ids: dict[tuple[int, str], int] = {}
    if rows:
        batch = sql.recordset(rows.values(), _CUSTOMER_COLUMNS)
        found = sql.fetch(_UPSERT_CUSTOMERS.format(batch=batch.sql), [batch.parameter])
        ids = {(merchant_id, identity): row_id for merchant_id, identity, row_id in found}
    return [ids.get(key) for key in keys]


def address_hash(address: Address) -> str:
    """Names the content of an address: equal addresses are kept once per merchant."""
    parts = "\x1f".join(getattr(address, part) for part in _ADDRESS_PARTS)
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def keep_addresses(addresses: Iterable[tuple[int, Address]]) -> list[int | None]:
    """Keep addresses of (merchant, address) as typed; repeats are one.

    Returns their ids in the order of the batch, None for an empty one.
    """
    return _keep(
        [(merchant_id, None if each.is_empty else each) for merchant_id, each in addresses]
    )


def keep_countries(merchant_id: int, countries: Iterable[str]) -> list[int | None]:
    """Addresses that tell a country and nothing else, in the order asked; None for no country."""
    return _keep([(merchant_id, Address(country=one) if one else None) for one in countries])


def _keep(addresses: Iterable[tuple[int, Address | None]]) -> list[int | None]:
    keys: list[tuple[int, str] | None] = []
    rows: dict[tuple[int, str], dict[str, object]] = {}
    for merchant_id, address in addresses:
        key = None if address is None else (merchant_id, address_hash(address))
        keys.append(key)
        if address is not None and key is not None and key not in rows:
            parts = {part: getattr(address, part) for part in _ADDRESS_PARTS}
            rows[key] = {"merchant_id": merchant_id, "content_hash": key[1], **parts}
    ids: dict[tuple[int, str], int] = {}
    if rows:
        batch = sql.recordset(rows.values(), _ADDRESS_COLUMNS)
        found = sql.fetch(_KEEP_ADDRESSES.format(batch=batch.sql), [batch.parameter])
        ids = {(merchant_id, content_hash): row_id for merchant_id, content_hash, row_id in found}
    return [None if key is None else ids[key] for key in keys]


def forget(customer: Customer) -> None:
    """Empty the row of a locked customer: only its id is left, and when it was erased."""
    customer.identity = f"erased:{customer.id}"
    customer.email_sealed, customer.email_hash = b"", ""
    customer.name = customer.phone = customer.company = customer.language = ""
    customer.accepts_marketing = None
    customer.erased_at = clock.now()
    customer.save()


def _identity(customer: CustomerSnapshot, *, account: str, hashed: str) -> str:
    """The identity of a buyer, or "" for somebody who left neither address nor account."""
    if hashed:
        return f"email:{hashed}"
    return f"{account}#{customer.external_id}" if customer.external_id else ""
