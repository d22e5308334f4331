"""The name of a promise is spelled as everywhere; the database keeps its own word for it."""

from django.db import migrations, models

KINDS = [
    ("submit", "Submit"),
    ("write_back", "Write-back"),
    ("tell_customer", "Tell Customer"),
    ("ship", "Ship"),
    ("deliver", "Deliver"),
    ("refund", "Refund"),
    ("capture", "Capture"),
    ("void", "Void"),
    ("resolve", "Resolve"),
    ("cancel", "Cancel"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("obligations", "0003_captures_and_voids"),
    ]

    operations = [
        migrations.AlterField(model_name=name, name="kind", field=models.TextField(choices=KINDS))
        for name in ("deadlinerule", "obligation")
    ]
