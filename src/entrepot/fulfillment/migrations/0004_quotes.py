"""What providers said that goods cost, so that the same question is not asked all day."""

from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0003_refused_address"),
        ("connections", "0001_connections"),
    ]

    operations = [
        migrations.CreateModel(
            name="Quote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("content", models.TextField()),
                ("cost", models.DecimalField(decimal_places=4, max_digits=18)),
                ("currency", models.TextField()),
                ("quoted_at", models.DateTimeField()),
            ],
            options={
                "db_table": "fulfillment_quote",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant_id", "connection_id", "content"),
                        name="fulfillment_quote_key",
                    )
                ],
            },
        ),
        ScopeRows("fulfillment_quote"),
        LinkRows(
            "fulfillment_quote", "connection_id", "connections_connection", on_delete="CASCADE"
        ),
    ]
