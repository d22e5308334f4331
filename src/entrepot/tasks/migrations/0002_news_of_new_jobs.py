"""The queue tells of new jobs only, and which tasks they are of."""

from pathlib import Path
from typing import ClassVar

from django.db import migrations

# PgQueuer's own tells every worker of every change, which is to them a reason to look; most changes
# are jobs that ended. The message stays in PgQueuer's form, with `entrypoints` beside.
NEWS = """
DROP TRIGGER tg_pgqueuer_changed ON pgqueuer;

CREATE OR REPLACE FUNCTION fn_pgqueuer_changed() RETURNS TRIGGER AS $$
BEGIN
    PERFORM pg_notify(
        'ch_pgqueuer',
        json_build_object(
            'channel', 'ch_pgqueuer',
            'operation', 'insert',
            'sent_at', now(),
            'table', 'pgqueuer',
            'type', 'table_changed_event',
            'entrypoints', json_agg(DISTINCT entrypoint)
        )::text
    )
    FROM fresh
    HAVING count(*) > 0;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER tg_pgqueuer_changed
AFTER INSERT ON pgqueuer
REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION fn_pgqueuer_changed();
"""
FORMER = Path(__file__).with_name("0001_queue.sql").read_text()
BACK = (
    "DROP TRIGGER tg_pgqueuer_changed ON pgqueuer; DROP FUNCTION fn_pgqueuer_changed;"
    + FORMER[FORMER.index("CREATE FUNCTION fn_pgqueuer_changed") :]
)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("tasks", "0001_queue")]

    operations = [migrations.RunSQL(NEWS, BACK)]
