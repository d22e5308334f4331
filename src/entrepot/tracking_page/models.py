"""Counts look-ups, so that nobody tries numbers and addresses by the thousand."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class LookUp(models.Model):
    """One look-up of an order by number and e-mail address, found or not.

    `who` is a keyed hash of the network address, or of the e-mail address that was asked with:
    neither is kept. Rows go after a day.
    """

    who = models.BinaryField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "tracking_page_look_up"
        indexes: ClassVar = [models.Index(fields=["who", "at"], name="tracking_page_look_up_who")]

    def __str__(self) -> str:
        return f"look-up at {self.at}"
