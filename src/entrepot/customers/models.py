"""Customers and postal addresses: the personal data, in columns of their own."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow


class Customer(MerchantRow):
    """A buyer of a merchant, known by the e-mail address.

    `email` is sealed; `email_hash` is the keyed hash of the normalised address, for exact look-up.
    Buyers without an e-mail address are known by the account and external id.
    """

    identity = models.TextField()  # "email:<hash>", or "<account>#<external id>"
    email_sealed = models.BinaryField(default=bytes)
    email_hash = models.TextField(default="", db_default="")
    name = models.TextField(default="", db_default="")
    phone = models.TextField(default="", db_default="")
    company = models.TextField(default="", db_default="")
    language = models.TextField(default="", db_default="")
    accepts_marketing = models.BooleanField(null=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    erased_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customers_customer"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "identity"], name="customers_customer_key"
            ),
        ]

    def __str__(self) -> str:
        return f"customer {self.id}"


class PostalAddress(MerchantRow):
    """An address as somebody typed it. Never changed: an edit is another row."""

    content_hash = models.TextField()
    name = models.TextField(default="", db_default="")
    company = models.TextField(default="", db_default="")
    line1 = models.TextField(default="", db_default="")
    line2 = models.TextField(default="", db_default="")
    city = models.TextField(default="", db_default="")
    region = models.TextField(default="", db_default="")
    postal_code = models.TextField(default="", db_default="")
    country = models.TextField(default="", db_default="")
    phone = models.TextField(default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "customers_postal_address"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "content_hash"], name="customers_postal_address_key"
            ),
            models.CheckConstraint(
                condition=Q(country__regex="^([A-Z]{2})?$"),
                name="customers_postal_address_country",
            ),
        ]

    def __str__(self) -> str:
        return f"address {self.id}"
