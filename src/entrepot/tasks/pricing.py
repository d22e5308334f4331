"""Asks providers what goods would cost: for shares before they leave, for people who wait."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.access import scope
from entrepot.canon.fulfillment import Quote
from entrepot.connect.errors import ConnectorError, Misconfigured, Rejected, Unavailable
from entrepot.connect.ports import Fulfills
from entrepot.connect.watching import Priority
from entrepot.connections import doors, faults
from entrepot.connections.call_log import keep_calls
from entrepot.connections.doors import ConnectionArchived
from entrepot.connections.models import CallRecord
from entrepot.fulfillment import costs
from entrepot.fulfillment.costs import Quoting
from entrepot.fulfillment.pricing import Question
from entrepot.tasks.calls import outside_transaction, side_by_side


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the provider said, or in its words why there is no price."""

    quotes: Sequence[Quote] = ()
    problem: str = ""


def ask_for_prices(question: Question | Quoting) -> Prices:
    """Ask once; nothing is ordered, and whatever goes wrong is an answer too.

    Raises:
        NoCallsInsideTransaction: one is open.
    """
    with outside_transaction():
        try:
            return Prices(quotes=_ask(question, priority="people"))
        except (ConnectorError, ConnectionArchived) as error:
            return Prices(problem=str(error))


def ask_together(merchant_id: int, wanted: Sequence[Quoting]) -> dict[str, Exception]:
    """Ask what shares would cost, the same goods once, and keep what the providers say.

    What a provider refuses has no price: its submission will say the same, and hold the order with
    their words. Answers by content why nothing could be learned of it; nothing was ordered.

    Raises:
        NoCallsInsideTransaction: one is open.
    """
    asked = {quoting.content: quoting for quoting in wanted}
    prices: dict[str, Sequence[Quote]] = {}
    unanswered: dict[str, Exception] = {}
    calls: list[CallRecord] = []
    for ended in side_by_side(_ask, list(asked.values())):
        for one in ended:
            calls += one.calls
            if one.error is None or isinstance(one.error, Rejected):
                prices[one.thing.content] = one.answer or ()
            else:
                unanswered[one.thing.content] = one.error
    with scope.merchant(merchant_id):
        keep_calls(calls)
        known = [(one, prices[one.content]) for one in wanted if one.content in prices]
        costs.keep_quotes(merchant_id, known)
    return unanswered


def _ask(asked: Question | Quoting, *, priority: Priority = "live") -> list[Quote]:
    """Ask once. Asking orders nothing, so that what cannot be read may be asked again.

    Raises:
        Rejected: it makes no such thing.
        Unavailable: no answer that can be read.
        ConnectionArchived: the connection was removed.
    """
    try:
        client = doors.client(asked.connection_id, priority=priority)
        assert isinstance(client, Fulfills)
        return list(client.quote(asked.request, currency=asked.currency))
    except (Rejected, Unavailable):
        raise
    except Misconfigured as error:
        reason = str(error)
        faults.refuse_call(asked.connection_id, merchant_id=asked.merchant_id, reason=reason)
        raise Unavailable(f"the connection stops until a person has acted: {reason}") from error
    except ConnectorError as error:
        raise Unavailable(f"the quote cannot be read: {error}") from error
