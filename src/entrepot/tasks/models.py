"""What the job engine lacks: which workers are alive, and what the clock last did."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Worker(models.Model):
    """A worker process that is alive, or was when it last said so.

    While it lives it holds the advisory lock `lock_key` on a connection of its own. `running` are
    the jobs that are in a thread at this moment: those that may have killed it.
    """

    id = models.UUIDField(primary_key=True)
    lock_key = models.BigIntegerField()
    host = models.TextField()
    pid = models.IntegerField()
    pid_space = models.TextField(db_default="", default="", blank=True)  # see `neighbours.py`
    running = ArrayField(models.BigIntegerField(), default=list)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "tasks_worker"


class Schedule(models.Model):
    """When a periodic task is due next; one row per schedule, so that only one worker runs it."""

    name = models.TextField(primary_key=True)
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)
    skipped = models.BigIntegerField(default=0)

    class Meta:
        db_table = "tasks_schedule"
