"""What a provider would charge for a SKU, beside what it is sold for."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.canon.fulfillment import Quote
from entrepot.canon.money import Money
from entrepot.dashboard.wording import country_name
from entrepot.fulfillment.pricing import Question
from entrepot.tasks.pricing import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a unit costs at the provider beside what it is sold for."""

    key: str
    sold_for: Money
    number: str
    country: str
    method: str
    quotes: Sequence[Quote]
    problem: str

    @property
    def is_dear(self) -> bool:
        """Whether the goods alone cost more than they are sold for, whatever the shipping."""
        comparable = [one for one in self.quotes if one.items.currency == self.sold_for.currency]
        return bool(comparable) and all(self.sold_for < one.items for one in comparable)


def priced(question: Question, prices: Prices) -> Price:
    """The answer to a question, as the page shows it."""
    return Price(
        key=question.key,
        sold_for=question.sold_for,
        number=question.number,
        country=country_name(question.country),
        method=question.method,
        quotes=prices.quotes,
        problem=prices.problem,
    )
