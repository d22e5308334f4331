"""Which provider was chosen for which units, out of which candidates, and why."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow


class RoutingDecision(MerchantRow):
    """One plan of an order with its reasons; `choices` has an entry for each share or stop."""

    order_id = models.BigIntegerField()
    order_version = models.BigIntegerField()
    choices = models.JSONField()
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "routing_decision"
        indexes: ClassVar = [models.Index(fields=["order_id"], name="routing_decision_order")]

    def __str__(self) -> str:
        return f"plan of order {self.order_id}"
