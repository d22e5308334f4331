"""Asks a provider what a product would cost, while a person waits for the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.canon.fulfillment import Quote
from entrepot.connect.errors import ConnectorError, Misconfigured
from entrepot.connect.ports import Fulfills
from entrepot.connections import doors, services
from entrepot.connections.doors import ConnectionArchived
from entrepot.fulfillment.pricing import Question
from entrepot.tasks.calls import outside_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the provider said, or in its words why there is no price."""

    quotes: Sequence[Quote] = ()
    problem: str = ""


def ask_for_prices(question: Question) -> Prices:
    """Ask once; nothing is ordered, and whatever goes wrong is an answer too.

    Raises:
        NoCallsInsideTransaction: one is open.
    """
    with outside_transaction():
        try:
            client = doors.client(question.connection_id, priority="people")
            assert isinstance(client, Fulfills)
            return Prices(quotes=client.quote(question.request, currency=question.currency))
        except Misconfigured as error:
            services.refuse_ping(
                question.connection_id, merchant_id=question.merchant_id, reason=str(error)
            )
            return Prices(problem=f"the connection stops until a person has acted: {error}")
        except (ConnectorError, ConnectionArchived) as error:
            return Prices(problem=str(error))
