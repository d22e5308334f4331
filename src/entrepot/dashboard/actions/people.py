"""Send an order elsewhere; tag it."""

from typing import Any

from django import forms

from entrepot.canon.places import Address
from entrepot.customers.queries import address_of
from entrepot.dashboard.actions.action import Action, Case, Effect, Refused, nothing, value_of
from entrepot.dashboard.wording import countries
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.orders import services
from entrepot.orders.models import Tag
from entrepot.orders.services import CannotChange
from entrepot.orders.states import HoldKind

PARTS = (
    ("name", "Name", 120),
    ("company", "Company", 120),
    ("line1", "Street and number", 200),
    ("line2", "Address, second line", 200),
    ("postal_code", "Postal code", 20),
    ("city", "City", 120),
    ("region", "Region or state", 120),
    ("country", "Country", 2),
    ("phone", "Telephone", 40),
)


class AddressForm(forms.Form):
    """An address as somebody types it."""

    def __init__(self, data: Any, *, initial: Address) -> None:
        super().__init__(data)
        for name, label, longest in PARTS:
            self.fields[name] = forms.CharField(
                label=label,
                max_length=longest,
                required=name in {"name", "line1", "city", "country"},
                initial=getattr(initial, name),
            )
        self.fields["country"] = forms.ChoiceField(
            label="Country", choices=countries, initial=initial.country
        )
        self.fields["reason"] = forms.CharField(
            label="Reason", max_length=200, help_text="Kept in the journal"
        )

    def address(self) -> Address:
        """What was typed."""
        return Address(**{name: self.cleaned_data[name] for name, _, _ in PARTS})


class EditAddress(Action):
    """Send the order elsewhere; what the customer typed is kept."""

    name = "address"
    scope = "orders:write"
    errors = (CannotChange,)

    def title(self, case: Case) -> str:
        return f"Address of {case.order.number}"

    def obstacle(self, case: Case) -> str:
        if not case.visit.sees_people:
            return "Your role does not see addresses."
        return "" if case.order.status == "open" else f"{case.order.number} is {case.order.status}."

    def form(self, case: Case, data: Any) -> forms.Form:
        return AddressForm(data, initial=address_of(case.order.address_id))

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        shares = FulfillmentOrder.objects.filter(order_id=case.order.id)
        sent = shares.filter(status__in=[Status.SUBMITTED, Status.ACCEPTED]).order_by("share")
        effects = [Effect("note", "Applies to everything that was not sent yet", role="good")]
        effects += [
            Effect(
                "swap",
                f"{case.names.get(share.connection_id, 'The provider')} is asked to change it,"
                " and may refuse",
                role="warn",
            )
            for share in sent
        ]
        refused = case.order.holds.filter(kind=HoldKind.ADDRESS_REFUSED, lifted_at=None)
        if refused.exists():
            effects.append(Effect("play", "Lifts the hold for its address", role="good"))
        return [
            *effects,
            nothing("user", "What the customer typed is kept beside it"),
            nothing("mail", "No mail"),
        ]

    def verb(self, case: Case, form: forms.Form) -> str:
        return "Use this address"

    def perform(self, case: Case, form: forms.Form) -> str:
        if not isinstance(form, AddressForm):
            raise Refused("An address is missing.")
        services.change_address(
            case.visit.merchant_id,
            case.order.id,
            address=form.address(),
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
        )
        return f"{case.order.number}: another address applies."


class TagForm(forms.Form):
    """Words, separated by commas."""

    tags = forms.CharField(
        label="Tags", max_length=300, required=False, help_text="Separated by commas"
    )

    def words(self) -> list[str]:
        """The words, each once, in the order typed."""
        typed = value_of(self, "tags") or ""
        return list(dict.fromkeys(word.strip() for word in typed.split(",") if word.strip()))


class TagOrder(Action):
    """Put free words on an order."""

    name = "tag"
    scope = "orders:write"

    def title(self, case: Case) -> str:
        return f"Tags of {case.order.number}"

    def form(self, case: Case, data: Any) -> forms.Form:
        return TagForm(data, initial={"tags": ", ".join(self._known(case))})

    def _known(self, case: Case) -> list[str]:
        return list(
            Tag.objects.filter(order=case.order).order_by("id").values_list("word", flat=True)
        )

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        return [nothing("swap", "Tags stay in Entrepot: neither storefront nor customer sees them")]

    def verb(self, case: Case, form: forms.Form) -> str:
        return "Save tags"

    def perform(self, case: Case, form: forms.Form) -> str:
        words = form.words() if isinstance(form, TagForm) else []
        services.change_tags(
            case.visit.merchant_id,
            case.order.id,
            by=case.visit.actor,
            added=words,
            removed=[word for word in self._known(case) if word not in words],
        )
        return "Tags saved."
