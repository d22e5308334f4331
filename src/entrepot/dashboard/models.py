"""What the operator's site keeps of its own: views that people saved."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from entrepot.database.rows import MerchantRow


class SavedView(MerchantRow):
    """A list with its filters, under a name: for its author, or shared with all of the merchant.

    `query` is the list's address after the question mark; a link to it shows the same rows.
    """

    user_id = models.BigIntegerField()
    name = models.TextField()
    query = models.TextField()
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "dashboard_saved_view"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant_id", "user_id", "name"], name="dashboard_saved_view_key"
            ),
        ]

    def __str__(self) -> str:
        return self.name
