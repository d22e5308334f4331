"""The shape of an action: a form, a preview of its effects, and one verb on its button."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from entrepot.dashboard.visit import Visit
from entrepot.fulfillment.costs import Quoting
from entrepot.orders.models import Order
from entrepot.tasks.pricing import Prices


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of a preview: what will happen, or what will not (`happens`)."""

    icon: str
    words: str
    figure: str = ""
    role: str = "neutral"
    happens: bool = True


def nothing(icon: str, words: str) -> Effect:
    """A line that says what will not happen."""
    return Effect(icon, words, happens=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order, the person who looks at it, and what the address says besides.

    `prices` are what the provider said to an action's question.
    """

    visit: Visit
    order: Order
    names: dict[int, str]
    query: QueryDict = field(default_factory=QueryDict)
    prices: Prices | None = None


class Refused(Exception):
    """An action cannot be done as asked; the message says why and what to do."""


class ReasonForm(forms.Form):
    """The reason, kept in the journal."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Kept in the journal",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class OnceForm(ReasonForm):
    """A wish that is one wish however often it is sent.

    `seen` is the number of the last such wish that was known when the form was drawn.
    """

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def knows_of(self, number: int) -> None:
        """Whoever sends it once more has been told of the wishes up to this one."""
        self.data = {name: self.data.get(name) for name in self.data} | {"seen": str(number)}


class Action(ABC):
    """Something a person can do with an order.

    `errors` are what the service raises for a wish that it refuses: shown in the form, nothing
    is changed.
    """

    name: ClassVar[str]
    scope: ClassVar[str]
    is_danger: ClassVar[bool] = False
    errors: ClassVar[tuple[type[Exception], ...]] = (Refused,)
    keep: ClassVar[str] = "Do nothing"

    @abstractmethod
    def title(self, case: Case) -> str:
        """What the dialog asks: "Refund on 10482"."""

    @abstractmethod
    def form(self, case: Case, data: Any) -> forms.Form:
        """The form, bound to `data` when there is some."""

    @abstractmethod
    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        """What will happen and what will not, as the form stands."""

    @abstractmethod
    def verb(self, case: Case, form: forms.Form) -> str:
        """The words of the button: one verb and what it is about."""

    @abstractmethod
    def perform(self, case: Case, form: forms.Form) -> str:
        """Do it by the room's service; returns what to say afterwards."""

    def is_ready(self, case: Case, form: forms.Form) -> bool:
        """Whether the form, as it stands, asks for anything at all; else the button waits."""
        return True

    def question(self, case: Case) -> Quoting | None:
        """What a provider is asked for its preview; None for nothing."""
        return None

    def obstacle(self, case: Case) -> str:
        """Why it cannot be done at all; empty where it can."""
        return ""


def value_of(form: forms.Form, name: str) -> Any:
    """A field as it stands, valid or not: what was typed, else what it began with."""
    if form.is_bound:
        form.is_valid()
        if name in form.cleaned_data:
            return form.cleaned_data[name]
        return None
    return form.get_initial_for_field(form.fields[name], name)
