"""Work is claimed from each merchant's first on, not from the first of all."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("inbox", "0003_cheaper_messages")]

    operations = [
        migrations.RemoveIndex(model_name="inboxwork", name="inbox_work_due"),
        migrations.AddIndex(
            model_name="inboxwork",
            index=models.Index(
                fields=["lane", "merchant_id", "due_at"],
                condition=models.Q(is_parked=False),
                name="inbox_work_due",
            ),
        ),
    ]
