"""Finds an order by its number and e-mail address: the same answer and work for every wrong pair.

Both must belong together. How often somebody may ask is counted per network address and per e-mail
address, for all processes together, whether something was found or not.
"""

from dataclasses import dataclass

from entrepot.access import scope
from entrepot.access.crypto import keyed_hash, keyed_hashes
from entrepot.customers.sealing import EMAIL
from entrepot.database import sql

LIMITS = {"address": 20, "email": 8}
PURPOSE = "look-up"


class TooOften(Exception):
    """Somebody asks again and again; nothing was looked up."""


@dataclass(frozen=True, slots=True)
class Found:
    """The order that both words belong to."""

    merchant_id: int
    order_id: int


# By tracking_page_look_up_who. Counted first and in one statement, so that asking from many
# connections at once gains nothing but the few that run at the same moment.
_COUNT = """
    WITH asked AS (
        INSERT INTO tracking_page_look_up (who)
        SELECT unnest(%(who)s)
    ), gone AS (
        DELETE FROM tracking_page_look_up
        WHERE id IN (
            SELECT id
            FROM tracking_page_look_up
            WHERE at < now() - interval '1 day'
            ORDER BY id
            LIMIT 100
            FOR UPDATE SKIP LOCKED
        )
    )
    SELECT
        count(*) FILTER (WHERE who = %(address)s),
        count(*) FILTER (WHERE who = %(email)s)
    FROM tracking_page_look_up
    WHERE who = ANY (%(who)s) AND at > now() - interval '15 minutes'
"""
# By customers_customer_key (one probe per merchant and key) and orders_customer. Wrong numbers and
# wrong addresses take the same way through it.
_FIND = """
    SELECT o.merchant_id, o.id
    FROM access_merchant AS m
    CROSS JOIN LATERAL (
        SELECT id
        FROM customers_customer
        WHERE merchant_id = m.id AND identity = ANY (%(identities)s)
    ) AS c
    JOIN orders_order AS o ON o.customer_id = c.id AND o.merchant_id = m.id
    WHERE lower(o.number) = %(number)s AND (%(code)s = '' OR m.code = %(code)s)
    ORDER BY o.placed_at DESC, o.id DESC
    LIMIT 1
"""


def look_up(*, number: str, email: str, address: str, merchant_code: str = "") -> Found | None:
    """The newest order of that number whose customer has that e-mail address.

    `address` is the network address that asks; an empty `merchant_code` asks every merchant.

    Raises:
        TooOften: the address or the e-mail address was asked with too often.
    """
    mail = email.strip().casefold()
    by_address = keyed_hash(PURPOSE, f"address {address}")
    by_email = keyed_hash(PURPOSE, f"email {mail}")
    with scope.system():
        row = sql.fetch_one(
            _COUNT,
            {"who": [by_address, by_email], "address": by_address, "email": by_email},
        )
    if row and (row[0] >= LIMITS["address"] or row[1] >= LIMITS["email"]):
        raise TooOften
    with scope.system():
        found = sql.fetch_one(
            _FIND,
            {
                "identities": [f"email:{one.hex()}" for one in keyed_hashes(EMAIL, mail)],
                "number": number.strip().lstrip("#").lower(),
                "code": merchant_code,
            },
        )
    return Found(*found) if found else None
