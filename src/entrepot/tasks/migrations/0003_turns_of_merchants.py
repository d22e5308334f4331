"""A job names its lane and its merchant, so that a lane can take jobs by turns."""

from typing import ClassVar

from django.db import migrations

# The engine writes its own columns only; `queue.defer` says both in the headers. Jobs without
# them are live ones of the hub itself until a worker begins (`lanes.ADOPT`).
TURNS = """
ALTER TABLE pgqueuer
    ADD COLUMN lane text NOT NULL
        GENERATED ALWAYS AS (coalesce(headers ->> 'lane', 'live')) STORED,
    ADD COLUMN merchant_id bigint NOT NULL
        GENERATED ALWAYS AS (coalesce((headers ->> 'merchant_id')::bigint, 0)) STORED;

CREATE INDEX pgqueuer_turns
ON pgqueuer (lane, merchant_id, (-priority), execute_after, id)
WHERE status = 'queued';

DROP INDEX pgqueuer_ep_prio_id_idx;
"""
BACK = """
DROP INDEX pgqueuer_turns;
ALTER TABLE pgqueuer DROP COLUMN lane, DROP COLUMN merchant_id;
CREATE INDEX pgqueuer_ep_prio_id_idx
ON pgqueuer (entrypoint, priority DESC, id)
WHERE status = 'queued';
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("tasks", "0002_news_of_new_jobs")]

    operations = [migrations.RunSQL(TURNS, BACK)]
