"""Have a share go by another shipping method."""

from collections.abc import Sequence
from typing import Any

from django import forms

from entrepot.canon.fulfillment import Quote
from entrepot.connections.effects import effects_allowed
from entrepot.connections.queries import connection_of
from entrepot.connections.states import EffectFlow
from entrepot.dashboard.actions.action import Action, Case, Effect, ReasonForm, nothing, value_of
from entrepot.dashboard.actions.units import named, share_chosen, shares_of
from entrepot.dashboard.wording import money_words
from entrepot.fulfillment import methods
from entrepot.fulfillment.costs import Quoting, can_quote
from entrepot.fulfillment.methods import CannotChooseMethod
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.requesting import request_of
from entrepot.fulfillment.states import Status


class MethodForm(ReasonForm):
    """Which share, by which of the provider's shipping methods, and why."""

    def __init__(
        self, data: Any, *, shares: list[tuple[str, str]], words: Sequence[str], chosen: str
    ) -> None:
        super().__init__(data)
        self.fields["share"] = forms.ChoiceField(
            label="Which fulfillment order", choices=shares, initial=chosen
        )
        self.fields["share"].widget.attrs["data-preview"] = "all"
        if len(shares) < 2:
            self.fields["share"].widget = forms.HiddenInput()
        self.fields["method"] = forms.CharField(
            label="Shipping method",
            max_length=methods.LONGEST,
            help_text="As its provider calls it",
        )
        if words:  # the provider has the last word about them
            choices = [("", "Choose a shipping method"), *((word, word) for word in words)]
            self.fields["method"].widget = forms.Select(choices=choices)
        self.order_fields(["share", "method", "reason"])


class ChangeShipping(Action):
    """Free until submission; after it the provider is asked, and may refuse."""

    name = "shipping"
    scope = "orders:write"
    errors = (CannotChooseMethod,)

    def title(self, case: Case) -> str:
        return f"Shipping method of {case.order.number}"

    def obstacle(self, case: Case) -> str:
        shares = shares_of(case)
        if not shares:
            return "Nothing of it is planned yet. Map its shipping method under Mappings."
        if _open_to_change(shares):
            return ""
        why = methods.why_not(shares[-1])
        return f"{why[0].upper()}{why[1:]}."

    def question(self, case: Case) -> Quoting | None:
        share = _share_of(case)
        if share is None or share.is_by_hand or not can_quote(share.connection_id):
            return None
        return Quoting(
            merchant_id=share.merchant_id,
            fulfillment_order_id=share.id,
            connection_id=share.connection_id,
            request=request_of(share, case.order),
            currency=case.order.currency,
        )

    def form(self, case: Case, data: Any) -> forms.Form:
        shares = _open_to_change(shares_of(case))
        share = _share_of(case) or shares[0]
        typed = str((data or {}).get("method", "")).strip()
        words = dict.fromkeys([*_words(case, share), *([typed] if typed else [])])
        names = [(str(one.id), named(case, one)) for one in shares]
        return MethodForm(data, shares=names, words=list(words), chosen=str(share.id))

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        share = share_chosen(form, _open_to_change(shares_of(case)))
        method = _method(form)
        if not method:
            return [Effect("truck", f"As things stand it goes by {_now(share)}"), *_problem(case)]
        return [
            *_asked(case, share, method),
            *_cost(case, share, method),
            nothing("card", "The customer is charged nothing and refunded nothing"),
            nothing("mail", "No mail"),
        ]

    def is_ready(self, case: Case, form: forms.Form) -> bool:
        return bool(_method(form))

    def verb(self, case: Case, form: forms.Form) -> str:
        method = _method(form)
        return f"Ship it by {method}" if method else "Choose a shipping method"

    def perform(self, case: Case, form: forms.Form) -> str:
        share = share_chosen(form, _open_to_change(shares_of(case)))
        method = form.cleaned_data["method"]
        after = methods.choose_method(
            case.visit.merchant_id,
            share.id,
            method=method,
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
        )
        if methods.is_free(after):
            return f"{named(case, after)} goes by {method}."
        return f"{_name(case, after)} is asked to ship it by {method}."


def _open_to_change(shares: list[FulfillmentOrder]) -> list[FulfillmentOrder]:
    return [share for share in shares if not methods.why_not(share)]


def _share_of(case: Case) -> FulfillmentOrder | None:
    shares = _open_to_change(shares_of(case))
    asked = case.query.get("share", "")
    return next((one for one in shares if str(one.id) == asked), shares[0] if shares else None)


def _words(case: Case, share: FulfillmentOrder) -> list[str]:
    """What can be chosen: what the provider quotes, and what the merchant's map says besides."""
    quoted = [quote.shipping_method for quote in _quotes(case)]
    here = {word.casefold() for word in quoted}
    known = [word for word in methods.known_methods(share) if word.casefold() not in here]
    wanted = methods.wanted_method(share)
    is_wanted = wanted != share.refused_method
    words = [] if share.is_by_hand else [*quoted, *known]
    return [word for word in words if not (is_wanted and word.casefold() == wanted.casefold())]


def _quotes(case: Case) -> Sequence[Quote]:
    return case.prices.quotes if case.prices else ()


def _asked(case: Case, share: FulfillmentOrder, method: str) -> list[Effect]:
    """Who has to say yes, if anybody."""
    if methods.is_free(share):
        words = f"{named(case, share)} goes by {method}: nobody has to be asked"
        return [Effect("truck", words, role="good")]
    name = _name(case, share)
    words = f"{name} is asked to ship it by {method}, and may refuse"
    if share.status == Status.SUBMITTED:
        words = f"{name} is asked to ship it by {method} as soon as it has accepted it"
    effects = [Effect("swap", words, role="warn")]
    verdict = effects_allowed(connection_of(share.connection_id), EffectFlow.SUBMISSIONS)
    if not verdict.is_allowed:
        effects.append(Effect("hand", f"It waits: {verdict.reason}", role="warn"))
    return [*effects, nothing("truck", f"Until it says yes, it goes by {_now(share)}")]


def _cost(case: Case, share: FulfillmentOrder, method: str) -> list[Effect]:
    """What the provider quotes for the share by this method, beside the one that applies."""
    quote, before = _quoted(case, method), _quoted(case, share.shipping_method)
    if quote is None:
        unknown = Effect("card", "What it costs you is not known before they say", role="warn")
        return [] if share.is_by_hand else [unknown, *_problem(case)]
    name = _name(case, share)
    effects = [Effect("card", f"By {method}, {name} quotes", money_words(quote.total))]
    if before is not None:
        difference = quote.total - before.total
        word = "More" if difference.amount >= 0 else "Less"
        shown = difference if difference.amount >= 0 else -difference
        compared = f"{word} than by {before.shipping_method}"
        effects.append(Effect("card", compared, money_words(shown)))
    return effects


def _quoted(case: Case, method: str) -> Quote | None:
    found = (q for q in _quotes(case) if q.shipping_method.casefold() == method.casefold())
    return next(found, None)


def _problem(case: Case) -> list[Effect]:
    """Why nobody knows the prices."""
    problem = case.prices.problem if case.prices else ""
    return [Effect("warn", f"It gave no prices: {problem}", role="warn")] if problem else []


def _name(case: Case, share: FulfillmentOrder) -> str:
    return case.names.get(share.connection_id, "The provider")


def _now(share: FulfillmentOrder) -> str:
    return share.shipping_method or "no method in particular"


def _method(form: forms.Form) -> str:
    return str(value_of(form, "method") or "")
