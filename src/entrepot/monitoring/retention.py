"""What is removed after a while, in small steps, oldest first.

The journal, the ledgers and the names of deliveries stay; what goes are raw bodies, call logs and
other bulk that nobody looks at any more.
"""

from dataclasses import dataclass
from datetime import timedelta

from entrepot.access import scope
from entrepot.database import sql

STEP = 1_000


@dataclass(frozen=True, slots=True)
class Rule:
    """How long something is kept. `statement` removes or empties one step of it.

    Its two parameters are the age in seconds and how many rows at most.
    """

    what: str
    age: timedelta
    statement: str


# What goes is chosen once: joined to the choice, a statement may choose anew for each row.
def _deletion(table: str, column: str) -> str:
    return f"""
        DELETE FROM {table}
        WHERE id = ANY (ARRAY(
            SELECT id FROM {table}
            WHERE {column} < now() - make_interval(secs => %s)
            ORDER BY id LIMIT %s
        ))
    """  # noqa: S608 -- our own names


RULES = (
    Rule("calls to platforms", timedelta(days=14), _deletion("connections_call_record", "at")),
    Rule("refused deliveries", timedelta(days=30), _deletion("inbox_refusal", "at")),
    Rule("the job log", timedelta(days=7), _deletion("pgqueuer_log", "created")),
    Rule("job counters", timedelta(days=30), _deletion("pgqueuer_statistics", "created")),
    Rule(
        "the mailbox of the sandbox",
        timedelta(days=30),
        _deletion("notifications_sandbox_mail", "received_at"),
    ),
    Rule(
        "alerts that are over", timedelta(days=180), _deletion("monitoring_alert", "recovered_at")
    ),
    Rule("rates of idle callers", timedelta(days=1), _deletion("api_rate_bucket", "refilled_at")),
    Rule("prices of providers", timedelta(days=30), _deletion("fulfillment_quote", "quoted_at")),
    # A product's file stays as long as its mapping; a customer's own was for one order.
    Rule(
        "print files of single orders",
        timedelta(days=180),
        """
        DELETE FROM catalog_asset
        WHERE id = ANY (ARRAY(
            SELECT asset.id FROM catalog_asset AS asset
            WHERE asset.checked_at < now() - make_interval(secs => %s)
                AND NOT EXISTS (
                    SELECT FROM catalog_mapping_asset WHERE asset_id = asset.id
                )
            ORDER BY asset.id LIMIT %s
        ))
        """,
    ),
    Rule(
        "raw bodies of messages",
        timedelta(days=90),
        """
        UPDATE inbox_message SET body = NULL
        WHERE id = ANY (ARRAY(
            SELECT message.id FROM inbox_message AS message
            WHERE message.received_at < now() - make_interval(secs => %s)
                AND message.body IS NOT NULL
                AND NOT EXISTS (SELECT FROM inbox_work WHERE message_id = message.id)
            ORDER BY message.id LIMIT %s
        ))
        """,
    ),
    Rule(
        "raw bodies about erased customers",
        timedelta(0),
        """
        UPDATE inbox_message SET body = NULL
        WHERE id = ANY (ARRAY(
            SELECT message.id
            FROM orders_order AS o
            JOIN inbox_outcome AS outcome ON outcome.order_id = o.id
            JOIN inbox_message AS message ON message.id = outcome.message_id
            WHERE o.erased_at <= now() - make_interval(secs => %s) AND message.body IS NOT NULL
            ORDER BY message.id LIMIT %s
        ))
        """,
    ),
    Rule(
        "the content and address of mails",
        timedelta(days=180),
        """
        UPDATE notifications_mail SET html = '', text = '', recipient_sealed = ''
        WHERE id = ANY (ARRAY(
            SELECT id FROM notifications_mail
            WHERE created_at < now() - make_interval(secs => %s) AND html <> ''
                AND status NOT IN ('waiting', 'unknown')
            ORDER BY id LIMIT %s
        ))
        """,
    ),
)


def remove_old(*, step: int = STEP, steps: int = 20) -> dict[str, int]:
    """Remove what is too old, each step in a transaction of its own; how many rows of what.

    At most `steps` per rule and call, so that upkeep never holds up what it serves.
    """
    removed = {}
    for rule in RULES:
        total = 0
        for _ in range(steps):
            with scope.system():
                count = sql.run(rule.statement, [rule.age.total_seconds(), step])
            total += count
            if count < step:
                break
        removed[rule.what] = total
    return removed
