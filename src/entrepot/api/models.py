"""What the interface itself remembers: answers to repeatable requests, and how fast keys call."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow, Mode


class KeptAnswer(MerchantRow):
    """The answer to a request with an Idempotency-Key; kept for two days.

    `fingerprint` is of the request: method, path, body and the caller's rights. `status_code` is
    null while the request is being carried out, which `claimed_until` bounds. `body` is sealed.
    """

    mode = models.TextField(choices=Mode)
    idempotency_key = models.TextField()
    fingerprint = models.BinaryField()
    status_code = models.IntegerField(null=True)
    body = models.BinaryField(default=bytes)
    claimed_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "api_kept_answer"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "mode", "idempotency_key"], name="api_kept_answer_key"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="api_kept_answer_age")]

    def __str__(self) -> str:
        return f"answer to {self.idempotency_key}"


class RateBucket(MerchantRow):
    """How many calls an API key or a customer may make at once; filled again as time goes by.

    `customer` is how a customer's token names its bearer, and empty for a key. Buckets that nobody
    has touched for a day are full, and removed.
    """

    api_key_id = models.BigIntegerField(unique=True, null=True)
    customer = models.TextField(default="", db_default="")
    tokens = models.FloatField()
    refilled_at = models.DateTimeField()

    class Meta:
        db_table = "api_rate_bucket"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "customer"],
                condition=~models.Q(customer=""),
                name="api_rate_bucket_customer",
            ),
            models.CheckConstraint(
                condition=models.Q(api_key_id__isnull=True) ^ models.Q(customer=""),
                name="api_rate_bucket_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"rate of {self.customer or f'API key {self.api_key_id}'}"
