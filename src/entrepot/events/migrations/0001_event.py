"""The journal: one table, partitioned by month, and the function that makes its partitions.

The function belongs to the owner and runs with the owner's rights, because upkeep runs as the
system role, which may not make tables. A partition is a table that can be asked by itself, so each
gets the policies of the whole.
"""

from typing import ClassVar

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from entrepot.database.roles import app_role, system_role
from entrepot.database.rows import ScopeRows, scope_statements

TABLE = """
CREATE SEQUENCE event_id_seq AS bigint;
CREATE TABLE event (
    id bigint NOT NULL DEFAULT nextval('event_id_seq'),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    merchant_id bigint NOT NULL,
    mode text NOT NULL CONSTRAINT event_mode CHECK (mode IN ('live', 'test')),
    name text NOT NULL,
    order_id bigint,
    subject_kind text NOT NULL,
    subject_id bigint,
    actor text NOT NULL,
    cause text NOT NULL,
    reason text NOT NULL,
    data jsonb NOT NULL,
    CONSTRAINT event_pkey PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE event_id_seq OWNED BY event.id;
CREATE INDEX event_order ON event (merchant_id, order_id, id);
CREATE INDEX event_merchant ON event (merchant_id, id);
CREATE INDEX event_at ON event USING brin (at);
CREATE TABLE event_default PARTITION OF event DEFAULT;
"""

DROP = """
DROP FUNCTION event_ensure_partitions(integer);
DROP TABLE event;
"""


def make_table(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(TABLE, params=None)
    for statement in scope_statements(schema_editor, "event_default"):
        schema_editor.execute(statement)


def make_function(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    policies = "\n".join(
        f"EXECUTE format({_literal(statement)}, part);"
        for statement in scope_statements(schema_editor, "{part}")
    )
    app, system = schema_editor.quote_name(app_role()), schema_editor.quote_name(system_role())
    schema_editor.execute(
        f"""
        CREATE FUNCTION event_ensure_partitions(months_ahead integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        DECLARE
            this_month date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
            first_day date;
            next_day date;
            part text;
            made integer := 0;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('event_ensure_partitions'));
            FOR month IN 0..months_ahead LOOP
                first_day := this_month + make_interval(months => month);
                next_day := first_day + interval '1 month';
                part := 'event_' || to_char(first_day, 'YYYY_MM');
                CONTINUE WHEN to_regclass(part) IS NOT NULL;
                -- Rows that already fell into the default partition keep the month there.
                CONTINUE WHEN EXISTS (
                    SELECT FROM event_default
                    WHERE at >= (first_day || ' 00:00+00')::timestamptz
                        AND at < (next_day || ' 00:00+00')::timestamptz
                );
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF event FOR VALUES FROM (%L) TO (%L)',
                    part, first_day || ' 00:00+00', next_day || ' 00:00+00'
                );
                {policies}
                EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM {app}', part);
                made := made + 1;
            END LOOP;
            RETURN made;
        END $$;
        REVOKE ALL ON FUNCTION event_ensure_partitions(integer) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION event_ensure_partitions(integer) TO {system};
        REVOKE UPDATE, DELETE ON event, event_default FROM {app};
        SELECT event_ensure_partitions(3);
        """,  # noqa: S608 -- role names and our own statements
        params=None,
    )


def drop(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(DROP, params=None)


def keep(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Nothing to undo: the table takes its function's work along."""


def _literal(statement: str) -> str:
    escaped = statement.replace("%", "%%").replace('"{part}"', "%1$I").replace("'", "''")
    return f"'{escaped}'"


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("merchant_id", models.BigIntegerField()),
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("mode", models.TextField()),
                ("name", models.TextField()),
                ("order_id", models.BigIntegerField(null=True)),
                ("subject_kind", models.TextField()),
                ("subject_id", models.BigIntegerField(null=True)),
                ("actor", models.TextField()),
                ("cause", models.TextField()),
                ("reason", models.TextField()),
                ("data", models.JSONField()),
            ],
            options={"db_table": "event", "managed": False},
        ),
        migrations.RunPython(make_table, drop),
        ScopeRows("event"),
        migrations.RunPython(make_function, keep),
    ]
