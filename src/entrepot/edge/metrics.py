"""What the edge tells about itself to whoever scrapes the process."""

from prometheus_client import Counter, Gauge, Histogram

_answers = Counter("entrepot_edge_answers", "Webhook requests answered, by status.", ["status"])
_seconds = Histogram(
    "entrepot_edge_seconds",
    "Time from the first byte of a webhook request to its answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
_by_status: dict[int, Counter] = {}
_waiting = Gauge("entrepot_edge_waiting", "Messages that wait for the next commit.")


def count(status: int, seconds: float, *, waiting: int) -> None:
    """Count one answer."""
    counter = _by_status.get(status)
    if counter is None:
        counter = _by_status[status] = _answers.labels(status=str(status))
    counter.inc()
    _seconds.observe(seconds)
    _waiting.set(waiting)
