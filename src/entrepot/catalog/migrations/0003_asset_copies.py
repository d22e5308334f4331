"""Copies of print files, kept in parts; what is too small is said of a product, not of a file."""

import django.db.models.deletion
from django.db import migrations, models

from entrepot.database.rows import LinkRows, ScopeRows


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_asset_tries")]

    operations = [
        migrations.RemoveField(model_name="asset", name="content_path"),
        migrations.AddField(
            model_name="asset",
            name="media_type",
            field=models.TextField(default="", db_default=""),
        ),
        migrations.AddField(
            model_name="asset", name="taken_until", field=models.DateTimeField(null=True)
        ),
        migrations.RemoveConstraint(model_name="asset", name="catalog_asset_status"),
        migrations.RunSQL(
            "UPDATE catalog_asset SET status = 'ready' WHERE status = 'too_small'",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="asset",
            name="status",
            field=models.TextField(
                choices=[
                    ("waiting", "Waiting"),
                    ("ready", "Ready"),
                    ("unreachable", "Unreachable"),
                ],
                default="waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["waiting", "ready", "unreachable"])),
                name="catalog_asset_status",
            ),
        ),
        migrations.CreateModel(
            name="AssetPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("number", models.IntegerField()),
                ("content", models.BinaryField()),
                (
                    "asset",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="catalog.asset",
                    ),
                ),
            ],
            options={
                "db_table": "catalog_asset_part",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("asset", "number"), name="catalog_asset_part_key"
                    )
                ],
            },
        ),
        # Pictures are compressed already.
        migrations.RunSQL(
            "ALTER TABLE catalog_asset_part ALTER COLUMN content SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
        ScopeRows("catalog_asset_part"),
        LinkRows("catalog_asset_part", "asset_id", "catalog_asset", on_delete="CASCADE"),
    ]
