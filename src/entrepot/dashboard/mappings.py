"""Mappings: what each SKU becomes, what each shipping method is called, by form and by file."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from entrepot.access import scope as access_scope
from entrepot.catalog.services import (
    BadMapping,
    MappingWish,
    check_wish,
    map_shipping,
    map_sku,
)
from entrepot.catalog.states import MappingKind
from entrepot.connections.models import Connection
from entrepot.dashboard.mapping_prices import Price, priced
from entrepot.dashboard.mapping_rows import (
    COLUMNS,
    BadRow,
    Provider,
    art_words,
    cells_of,
    plain_number,
    wish_of,
)
from entrepot.dashboard.page import at_work, page, safe_back, show
from entrepot.dashboard.reading import connections, mapped
from entrepot.dashboard.reading.mapped import Mapped
from entrepot.dashboard.uploads import text_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import count_words
from entrepot.fulfillment.pricing import Question, question_of
from entrepot.intake.tables import BadFile, Cells, as_csv, rows_of
from entrepot.tasks.pricing import ask_for_prices

MOST_ROWS = 5000
MOST_MEGABYTES = 2
MOST_EXPORTED = 50_000
SHOWN_ROWS = 200


@page(scope="catalog:read")
def mappings(request: PageRequest) -> HttpResponse:
    """List what is missing first, then every mapping by SKU."""
    mode = request.visit.mode.value
    search = request.GET.get("q", "").strip()
    after = request.GET.get("after", "")
    rows = mapped.mappings(search=search, after=after, limit=mapped.PAGE + 1)
    shown = rows[: mapped.PAGE]
    return show(
        request,
        "mappings.html",
        {
            "missing": mapped.missing(mode),
            "rows": shown,
            "search": search,
            "after": after,
            "next": shown[-1].sku if len(rows) > len(shown) else "",
            "query": urlencode({"q": search}) if search else "",
            "most_exported": MOST_EXPORTED,
            "methods": mapped.methods(mode),
            "storefronts": [
                *connections.of_kind(mode, "storefront"),
                *connections.of_kind(mode, "payment"),
            ],
            "providers": connections.takers(mode),
            "may_write": request.visit.may("catalog:write"),
        },
        current="mappings",
    )


def providers_of() -> list[Provider]:
    """The connections that make, and where people ship, of both modes: mappings are of both."""
    both = ("live", "test")
    takers = {row.id for mode in both for row in connections.takers(mode)}
    rows = [row for mode in both for row in connections.of_kind(mode, "fulfillment")]
    rows.sort(key=lambda row: (row.name, row.id))
    return [Provider(row.id, row.code, row.name, row.id not in takers) for row in rows]


class MappingForm(forms.Form):
    """What a SKU becomes. Which fields count depends on the kind."""

    sku = forms.CharField(label="SKU", max_length=200)
    kind = forms.ChoiceField(
        label="Becomes", choices=[(kind.value, word) for kind, word in mapped.KIND.items()]
    )
    provider = forms.ChoiceField(label="Provider", required=False)
    provider_sku = forms.CharField(label="Its SKU there", max_length=120, required=False)
    sizing = forms.CharField(
        label="Sizing", max_length=60, required=False, help_text="As the provider calls it"
    )
    attributes = forms.CharField(
        label="Attributes",
        required=False,
        help_text="One name=value per line",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    artwork = forms.CharField(
        label="Artwork",
        required=False,
        help_text="One area=link per line; line:name takes the link from the order line",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    unit_cost = forms.CharField(
        label="Cost of a unit",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    cost_currency = forms.CharField(label="Its currency", max_length=3, required=False)
    bin = forms.CharField(label="Bin", max_length=40, required=False, help_text="For pick lists")
    parts = forms.CharField(
        label="Parts of a kit",
        required=False,
        help_text="One SKU=units per line",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self, data: Any = None, *, providers: list[Provider], initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial or {})
        field = self.fields["provider"]
        if isinstance(field, forms.ChoiceField):
            makers = [(str(one.id), one.name) for one in providers if not one.is_by_hand]
            places = [(str(one.id), one.name) for one in providers if one.is_by_hand]
            groups = (("Makes it", makers), ("You ship it from", places))
            field.choices = [("", "none"), *(group for group in groups if group[1])]
        self._providers = providers

    def wish(self) -> MappingWish:
        """What the form asks for. Raises BadRow."""
        cells = {name: str(value or "") for name, value in self.cleaned_data.items()}
        return wish_of(cells, self._providers)


# Which kinds a field is of; others are of all. The page shows only those of the chosen kind.
OF_KIND = {
    "provider": "provider by_hand",
    "provider_sku": "provider",
    "sizing": "provider",
    "attributes": "provider",
    "artwork": "provider",
    "unit_cost": "provider by_hand",
    "cost_currency": "provider by_hand",
    "bin": "by_hand",
    "parts": "kit",
}


@page(scope="catalog:read", calls_out=True)
def mapping(request: PageRequest) -> HttpResponse:
    """Show and change the mapping of one SKU; the address names it, whatever signs it has.

    What a provider would charge is shown before the mapping is saved.
    """
    visit = request.visit
    sku = request.GET.get("sku", "").strip()
    with at_work(visit):
        form, known = _form_of(request, sku)
        question = _question(visit, form)
        is_seen = question is None or request.POST.get("seen") == question.key
        is_saved = form.is_bound and form.is_valid() and "ask" not in request.POST and is_seen
        if is_saved and _saved(visit, form):
            messages.success(request, f"{form.cleaned_data['sku']} is mapped. Orders of it go on.")
            return HttpResponseRedirect(safe_back(request, visit.url("mappings")))
    price = priced(question, ask_for_prices(question)) if question else None
    with at_work(visit):
        return _mapping_page(request, sku, form, known, price)


def _form_of(request: PageRequest, sku: str) -> tuple[MappingForm, Mapped | None]:
    known = mapped.mapping_of(sku) if sku else None
    is_sent = request.method == "POST" and request.visit.may("catalog:write")
    form = MappingForm(
        request.POST if is_sent else None, providers=providers_of(), initial=_initial(sku, known)
    )
    return form, known


def _question(visit: Visit, form: MappingForm) -> Question | None:
    """What to ask the provider; nothing where the form is at fault or nobody can answer."""
    if not (form.is_bound and form.is_valid()):
        return None
    try:
        wish = form.wish()
    except BadRow:
        return None  # saving says what is wrong
    sku = form.cleaned_data["sku"]
    return question_of(visit.merchant_id, sku, wish=wish, mode=visit.mode.value)


def _mapping_page(
    request: PageRequest, sku: str, form: MappingForm, known: Mapped | None, price: Price | None
) -> HttpResponse:
    visit = request.visit
    missing = next((one for one in mapped.missing(visit.mode.value) if one.sku == sku), None)
    return show(
        request,
        "mapping.html",
        {
            "form": form,
            "fields": [(field, OF_KIND.get(field.name, "")) for field in form.visible_fields()],
            "sku": sku,
            "known": known,
            "missing": missing,
            "price": price,
            "may_write": visit.may("catalog:write"),
            "back": safe_back(request, visit.url("mappings")),
        },
        current="mappings",
        status=422 if form.errors else 200,
    )


def _initial(sku: str, known: Mapped | None) -> dict[str, Any]:
    if known is None:
        return {"sku": sku}
    return {
        "sku": sku,
        "kind": known.kind,
        "provider": str(known.provider_id or ""),
        "provider_sku": known.provider_sku,
        "sizing": known.sizing,
        "attributes": known.attribute_words.replace("; ", "\n"),
        "artwork": art_words(known).replace("; ", "\n"),
        "unit_cost": plain_number(known.cost.amount) if known.cost else "",
        "cost_currency": known.cost.currency if known.cost else "",
        "bin": known.bin,
        "parts": "\n".join(f"{part}={units}" for part, units in known.parts.items()),
    }


def _saved(visit: Visit, form: MappingForm) -> bool:
    try:
        with access_scope.merchant(visit.merchant_id, savepoint=True):
            map_sku(visit.merchant_id, form.cleaned_data["sku"], wish=form.wish(), by=visit.actor)
    except (BadRow, BadMapping) as error:
        form.add_error(None, f"{str(error)[:1].upper()}{str(error)[1:]}.")
        return False
    return True


@page(scope="catalog:read")
def export(request: PageRequest) -> HttpResponse:
    """Save all mappings as CSV; the same file can be read again."""
    visit = request.visit
    providers = providers_of()
    rows = mapped.mappings(search=request.GET.get("q", "").strip(), limit=MOST_EXPORTED)
    return as_csv(
        f"mappings-{visit.merchant.code}",
        list(COLUMNS),
        rows=(cells_of(row, providers) for row in rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a file: what it would do, or what is wrong with it."""

    row: int
    sku: str
    words: str
    wish: MappingWish | None
    problem: str


@page(scope="catalog:write")
def import_mappings(request: PageRequest) -> HttpResponse:
    """Read mappings from a file, show what each row does, then save them."""
    visit = request.visit
    if request.method != "POST":
        return show(request, "mapping_import.html", {"columns": COLUMNS}, current="mappings")
    text, problem, lines = "", "", list[Line]()
    try:
        text = text_of(request, most_megabytes=MOST_MEGABYTES)
        lines = _lines(rows_of(text, most=MOST_ROWS))
    except BadFile as error:
        problem = str(error)
    fine = [line for line in lines if not line.problem]
    if "save" in request.POST and fine:
        number, failed = _save_all(visit, fine)
        messages.success(request, f"{count_words(number, 'mapping')} saved.")
        for why in failed[:5]:
            messages.warning(request, why)
        return HttpResponseRedirect(visit.url("mappings"))
    return show(
        request,
        "mapping_import.html",
        {
            "columns": COLUMNS,
            "text": text,
            "problem": problem,
            "lines": sorted(lines, key=lambda line: not line.problem)[:SHOWN_ROWS],
            "fine": len(fine),
            "wrong": len(lines) - len(fine),
            "more": max(len(lines) - SHOWN_ROWS, 0),
        },
        current="mappings",
        status=422 if problem else 200,
    )


def _lines(rows: list[tuple[int, Cells]]) -> list[Line]:
    providers = providers_of()
    lines = []
    for place, cells in rows:
        sku, wish, problem = cells.get("sku", ""), None, ""
        try:
            wish = wish_of(cells, providers)
            if not sku:
                raise BadRow("no SKU: is there a column “sku”?")
            check_wish(sku, wish)
        except (BadRow, BadMapping) as error:
            problem = str(error)
        words = mapped.KIND[MappingKind(wish.kind)] if wish else ""
        if wish is not None and wish.provider_sku:
            words = f"{words} {wish.provider_sku}"
        lines.append(Line(row=place, sku=sku, words=words, wish=wish, problem=problem))
    return lines


def _save_all(visit: Visit, lines: list[Line]) -> tuple[int, list[str]]:
    number, failed = 0, []
    for line in lines:
        assert line.wish is not None
        try:
            with access_scope.merchant(visit.merchant_id, savepoint=True):
                map_sku(visit.merchant_id, line.sku, wish=line.wish, by=visit.actor)
        except BadMapping as error:
            failed.append(f"row {line.row}: {error}")
        else:
            number += 1
    return number, failed


class MethodForm(forms.Form):
    """What a storefront's shipping method is called at a provider."""

    storefront = forms.IntegerField()
    provider = forms.IntegerField()
    method_code = forms.CharField(max_length=120)
    provider_method = forms.CharField(max_length=120)


@require_POST
@page(scope="catalog:write")
def save_method(request: PageRequest) -> HttpResponse:
    """Say what a shipping method is called at a provider; orders that wait for it go on."""
    visit = request.visit
    form = MethodForm(request.POST)
    known = set(Connection.objects.values_list("id", flat=True))
    if (
        form.is_valid()
        and {form.cleaned_data["storefront"], form.cleaned_data["provider"]} <= known
    ):
        told = form.cleaned_data
        map_shipping(
            visit.merchant_id,
            storefront_id=told["storefront"],
            provider_connection_id=told["provider"],
            method_code=told["method_code"].strip(),
            provider_method=told["provider_method"].strip(),
        )
        messages.success(request, f"{told['method_code']} is “{told['provider_method']}” there.")
    else:
        messages.warning(request, "Name the storefront, the provider, and the method at both.")
    return HttpResponseRedirect(f"{visit.url('mappings')}#methods")
