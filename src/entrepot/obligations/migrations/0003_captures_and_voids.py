"""Captures and voids are promised as well."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the rows are looked through beside running work
    dependencies = [
        ("obligations", "0002_index_of_kept_promises"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="obligation",
            name="obligations_obligation_kind",
        ),
        migrations.AlterField(
            model_name="deadlinerule",
            name="kind",
            field=models.TextField(
                choices=[
                    ("submit", "Submit"),
                    ("write_back", "Write Back"),
                    ("tell_customer", "Tell Customer"),
                    ("ship", "Ship"),
                    ("deliver", "Deliver"),
                    ("refund", "Refund"),
                    ("capture", "Capture"),
                    ("void", "Void"),
                    ("resolve", "Resolve"),
                    ("cancel", "Cancel"),
                ]
            ),
        ),
        migrations.AlterField(
            model_name="obligation",
            name="kind",
            field=models.TextField(
                choices=[
                    ("submit", "Submit"),
                    ("write_back", "Write Back"),
                    ("tell_customer", "Tell Customer"),
                    ("ship", "Ship"),
                    ("deliver", "Deliver"),
                    ("refund", "Refund"),
                    ("capture", "Capture"),
                    ("void", "Void"),
                    ("resolve", "Resolve"),
                    ("cancel", "Cancel"),
                ]
            ),
        ),
        AddConstraintNotValid(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "submit",
                            "write_back",
                            "tell_customer",
                            "ship",
                            "deliver",
                            "refund",
                            "capture",
                            "void",
                            "resolve",
                            "cancel",
                        ],
                    )
                ),
                name="obligations_obligation_kind",
            ),
        ),
        ValidateConstraint(model_name="obligation", name="obligations_obligation_kind"),
    ]
