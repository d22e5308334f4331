"""Jobs that begin work on what was observed."""

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.orders import going_live
from entrepot.tasks.registry import Lane, task


@task("orders.begin_work", lane=Lane.BULK)
def begin_work(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Begin work on the orders of a connection that were placed since it went live."""
    while True:
        with scope.merchant(merchant_id):
            connection = Connection.objects.get(id=subject_id)
            if connection.status != Status.LIVE or not going_live.begin_work(connection):
                return
