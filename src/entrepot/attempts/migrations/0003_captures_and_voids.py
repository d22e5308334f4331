"""Captures and voids are effects as well."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the rows are looked through beside running work
    dependencies = [
        ("attempts", "0002_holder_and_time_to_leave"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="attempt",
            name="attempts_attempt_kind",
        ),
        migrations.AlterField(
            model_name="attempt",
            name="kind",
            field=models.TextField(
                choices=[
                    ("submit", "Submit"),
                    ("cancel", "Cancel"),
                    ("change_recipient", "Change Recipient"),
                    ("refund", "Refund"),
                    ("capture", "Capture"),
                    ("void", "Void"),
                    ("write_back", "Write Back"),
                    ("mail", "Mail"),
                ]
            ),
        ),
        AddConstraintNotValid(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "submit",
                            "cancel",
                            "change_recipient",
                            "refund",
                            "capture",
                            "void",
                            "write_back",
                            "mail",
                        ],
                    )
                ),
                name="attempts_attempt_kind",
            ),
        ),
        ValidateConstraint(model_name="attempt", name="attempts_attempt_kind"),
    ]
