"""PgQueuer's tables, and the hub's own two beside them."""

from pathlib import Path

import django.contrib.postgres.fields
from typing import ClassVar

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from entrepot.database.roles import app_role

# As PgQueuer 1.6.0 renders it, with its log unlogged ("balanced"): the log is for looking, a crash
# of the server may empty it. Frozen here, so that every installation has had the same history.
SCHEMA = Path(__file__).with_suffix(".sql")
DROP = """
DROP TABLE pgqueuer, pgqueuer_log, pgqueuer_schedules, pgqueuer_statistics;
DROP FUNCTION fn_pgqueuer_changed;
DROP TYPE pgqueuer_status;
"""


def install(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(SCHEMA.read_text(), params=None)


def uninstall(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(DROP)


def restrict(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The app role defers jobs and looks at the queue; it runs none."""
    app = schema_editor.quote_name(app_role())
    for statement in (
        f"REVOKE ALL ON pgqueuer, pgqueuer_log, pgqueuer_schedules, pgqueuer_statistics FROM {app}",
        f"GRANT SELECT, INSERT ON pgqueuer TO {app}",
        f"GRANT INSERT ON pgqueuer_log TO {app}",
        f"REVOKE ALL ON tasks_worker, tasks_schedule FROM {app}",
    ):
        schema_editor.execute(statement)


def keep(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Nothing to undo: the tables take their grants along."""


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
                ("last_at", models.DateTimeField(null=True)),
                ("skipped", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "tasks_schedule",
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("lock_key", models.BigIntegerField()),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                (
                    "running",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "db_table": "tasks_worker",
            },
        ),
        migrations.RunPython(install, uninstall),
        migrations.RunPython(restrict, keep),
    ]
