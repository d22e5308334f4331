"""Reads customers and addresses."""

from collections.abc import Iterable, Mapping

from entrepot.access import crypto, scope
from entrepot.canon.places import Address
from entrepot.customers.models import Customer, PostalAddress
from entrepot.customers.sealing import EMAIL
from entrepot.database import reading


def address_of(address_id: int | None) -> Address:
    """The address of a row; an empty one for None."""
    if address_id is None:
        return Address()
    return scope.once(
        "address", address_id, read=lambda: _address(PostalAddress.objects.get(id=address_id))
    )


def addresses_of(address_ids: Iterable[int | None]) -> Mapping[int | None, Address]:
    """The addresses of rows by id, with one query; an empty one for None."""
    wanted = {address_id for address_id in address_ids if address_id is not None}
    rows = PostalAddress.objects.in_bulk(wanted) if wanted else {}
    return {None: Address(), **{row.id: _address(row) for row in rows.values()}}


def _address(row: PostalAddress) -> Address:
    return Address(
        name=row.name,
        company=row.company,
        line1=row.line1,
        line2=row.line2,
        city=row.city,
        region=row.region,
        postal_code=row.postal_code,
        country=row.country,
        phone=row.phone,
    )


def email_of(customer_id: int | None) -> str:
    """The e-mail address of a customer in the clear; "" when unknown or erased."""
    customer = customer_of(customer_id)
    if customer is None or not customer.email_sealed:
        return ""
    return crypto.decrypt(EMAIL, bytes(customer.email_sealed)).decode()


def customer_of(customer_id: int | None) -> Customer | None:
    """A customer as the open transaction first saw them; None when nobody is known."""
    if customer_id is None:
        return None
    return scope.once(
        "customer", customer_id, read=lambda: Customer.objects.filter(id=customer_id).first()
    )


def read_together(
    *, address_ids: Iterable[int | None] = (), customer_ids: Iterable[int | None] = ()
) -> None:
    """Read addresses and customers of many orders at once, for the rest of the transaction."""
    scope.remember("address", addresses_of(address_ids))
    wanted = {customer_id for customer_id in customer_ids if customer_id is not None}
    if wanted:
        scope.remember("customer", reading.by_key(Customer, wanted))
