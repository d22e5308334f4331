"""Erase what is known of an order's customer."""

from typing import Any

from django import forms

from entrepot.dashboard.actions.action import Action, Case, Effect, ReasonForm, nothing
from entrepot.dashboard.wording import count_words, listed
from entrepot.monitoring.erasure import (
    NobodyToErase,
    StillNeeded,
    erase_customer_of,
    not_done,
    people_of,
)


class EraseCustomer(Action):
    """Erase the person, in all of their orders; sums and what happened stay."""

    name = "erase"
    scope = "personal_data:erase"
    is_danger = True
    errors = (NobodyToErase, StillNeeded)

    def title(self, case: Case) -> str:
        return f"Erase the customer of {case.order.number}?"

    def obstacle(self, case: Case) -> str:
        try:
            orders = people_of(case.order)
        except NobodyToErase:
            return f"Nothing personal is known of {case.order.number}."
        numbers = not_done(orders)
        if not numbers:
            return ""
        return f"They are still needed for {listed(numbers)}: let that end, or cancel it, first."

    def form(self, case: Case, data: Any) -> forms.Form:
        return ReasonForm(data)

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        orders = people_of(case.order)
        others = [order.number for order in orders if order.id != case.order.id]
        effects = [
            Effect("x", "Name, addresses, e-mail and telephone go, for good", role="warn"),
            Effect("mail", "So do mails, notes, raw messages and the words of calls", role="warn"),
        ]
        if others:
            also = f"Also of their other {count_words(len(others), 'order')}"
            effects.append(Effect("note", f"{also}: {listed(others)}", role="warn"))
        return [
            *effects,
            Effect("check", "Sums, statuses, countries and the journal stay", role="good"),
            nothing("swap", "Nothing is erased at the shop or the provider: ask there as well"),
        ]

    def verb(self, case: Case, form: forms.Form) -> str:
        return "Erase the customer"

    def perform(self, case: Case, form: forms.Form) -> str:
        erased = erase_customer_of(
            case.order.id,
            merchant_id=case.visit.merchant_id,
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
        )
        return f"The customer of {listed(list(erased.numbers))} is erased."
