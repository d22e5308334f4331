"""A change of the shipping method is an effect as well."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the rows are looked through beside running work
    dependencies = [
        ("attempts", "0003_captures_and_voids"),
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
                    ("change_shipping", "Change Shipping"),
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
                            "change_shipping",
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
