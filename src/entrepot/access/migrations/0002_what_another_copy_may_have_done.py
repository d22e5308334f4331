"""Until when another copy of the database may have acted in the merchants' names."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0001_access")]

    operations = [
        migrations.AddField(
            model_name="merchant",
            name="unsure_before",
            field=models.DateTimeField(null=True),
        ),
    ]
