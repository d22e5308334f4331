"""The hub's figures for Prometheus, read from the database when they are asked for.

Every process gives the same answer, so it does not matter which of them is scraped. They are those
of one merchant, and of the lanes that all share; no label holds a person's name.
"""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import clock, sql
from entrepot.monitoring.health import LaneHealth, inbox_lanes
from entrepot.monitoring.installation import effects_paused_reason

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_TOTALS = """
    SELECT merchant_id, mode, name, currency, sum(amount)
    FROM (
        SELECT merchant_id, mode, name, currency, amount FROM monitoring_rollup
        UNION ALL
        SELECT merchant_id, mode, name, currency, amount FROM monitoring_rollup_delta
    ) AS counted
    GROUP BY merchant_id, mode, name, currency
    ORDER BY merchant_id, mode, name, currency
"""
_OPEN = """
    SELECT merchant_id, mode, kind, count(*), count(*) FILTER (WHERE due_at < now())
    FROM obligations_obligation
    WHERE "end" = ''
    GROUP BY merchant_id, mode, kind
    ORDER BY merchant_id, mode, kind
"""
_LETTERS = """
    SELECT merchant_id, count(*)
    FROM deadletters_dead_letter
    WHERE status = 'waiting'
    GROUP BY merchant_id
    ORDER BY merchant_id
"""
_CONNECTIONS = """
    SELECT merchant_id, mode, platform, code, status
    FROM connections_connection
    WHERE status <> 'archived'
    ORDER BY merchant_id, id
"""
_UNKNOWN = """
    SELECT merchant_id, mode, kind, count(*)
    FROM attempts_attempt
    WHERE status = 'unknown'
    GROUP BY merchant_id, mode, kind
    ORDER BY merchant_id, mode, kind
"""


def exposition(merchant_id: int, *, job_lanes: Sequence[LaneHealth] = ()) -> bytes:
    """A merchant's figures as text in Prometheus's format (`CONTENT_TYPE`); opens its scope.

    The caller adds the lanes of jobs, which only the tasks' room knows.
    """
    registry = CollectorRegistry(auto_describe=False)
    with scope.merchant(merchant_id):
        registry.register(_Figures(list(_lanes(job_lanes)) + list(_merchants())))
        return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _lanes(job_lanes: Sequence[LaneHealth]) -> Iterator[Metric]:
    now = clock.now()
    due = GaugeMetricFamily("entrepot_lane_due", "Work that is due.", labels=["lane"])
    age = GaugeMetricFamily(
        "entrepot_lane_oldest_seconds", "How long the oldest work has been due.", labels=["lane"]
    )
    for lane in [*inbox_lanes(), *job_lanes]:
        waited = (now - lane.oldest_due_at).total_seconds() if lane.oldest_due_at else 0.0
        due.add_metric([lane.name], lane.due)
        age.add_metric([lane.name], max(waited, 0.0))
    yield due
    yield age
    paused = GaugeMetricFamily(
        "entrepot_effects_paused", "1 while nothing may leave this installation."
    )
    paused.add_metric([], 1.0 if effects_paused_reason() else 0.0)
    yield paused


def _merchants() -> Iterator[Metric]:
    codes = dict(Merchant.objects.values_list("id", "code"))

    def code(merchant_id: int) -> str:
        return codes.get(merchant_id, "")

    counted = CounterMetricFamily(
        "entrepot_counted", "Things that happened.", labels=["merchant", "mode", "what", "currency"]
    )
    for merchant_id, mode, name, currency, amount in sql.fetch(_TOTALS):
        counted.add_metric([code(merchant_id), mode, name, currency], float(amount))
    yield counted
    opened = GaugeMetricFamily(
        "entrepot_obligations_open", "Open promises.", labels=["merchant", "mode", "kind"]
    )
    overdue = GaugeMetricFamily(
        "entrepot_obligations_overdue",
        "Promises past their deadline.",
        labels=["merchant", "mode", "kind"],
    )
    for merchant_id, mode, kind, count, late in sql.fetch(_OPEN):
        opened.add_metric([code(merchant_id), mode, kind], count)
        overdue.add_metric([code(merchant_id), mode, kind], late)
    yield opened
    yield overdue
    letters = GaugeMetricFamily(
        "entrepot_dead_letters", "Given-up work that waits.", labels=["merchant"]
    )
    for merchant_id, count in sql.fetch(_LETTERS):
        letters.add_metric([code(merchant_id)], count)
    yield letters
    unknown = GaugeMetricFamily(
        "entrepot_attempts_unknown",
        "Effects that may have happened.",
        labels=["merchant", "mode", "kind"],
    )
    for merchant_id, mode, kind, count in sql.fetch(_UNKNOWN):
        unknown.add_metric([code(merchant_id), mode, kind], count)
    yield unknown
    connections = GaugeMetricFamily(
        "entrepot_connection_live",
        "1 for a connection whose effects reach outside.",
        labels=["merchant", "mode", "platform", "connection", "status"],
    )
    for merchant_id, mode, platform, name, status in sql.fetch(_CONNECTIONS):
        connections.add_metric(
            [code(merchant_id), mode, platform, name, status], 1.0 if status == "live" else 0.0
        )
    yield connections
