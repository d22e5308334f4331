"""Pick lists and packing slips to print; tracking of what was packed, typed in or by CSV."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel.dates import format_date
from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from entrepot.access import scope as access_scope
from entrepot.connect.towns import town_lines
from entrepot.dashboard.page import page, show
from entrepot.dashboard.reading import picking
from entrepot.dashboard.reading.numbers import numbers_in
from entrepot.dashboard.reading.picking import Parcel
from entrepot.dashboard.spreadsheet import name_of
from entrepot.dashboard.uploads import text_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import begun, count_words
from entrepot.fulfillment.shipping import CannotShip, Leaving, ship_by_hand
from entrepot.intake.tables import BadFile, Cells, as_csv, rows_of
from entrepot.notifications.voices import Voice

MOST_ROWS = 1000
MOST_MEGABYTES = 1
SLIP_WORDS = {
    "en": {
        "slip": "Packing slip",
        "to": "Ship to",
        "ordered_on": "Ordered",
        "shipping": "Shipping",
        "item": "Item",
        "ordered": "Ordered",
        "inside": "In this parcel",
        "help": "Something missing or broken?",
        "number": "order number",
        "order": "Order",
    },
    "de": {
        "slip": "Lieferschein",
        "to": "Lieferanschrift",
        "ordered_on": "Bestellt am",
        "shipping": "Versand",
        "item": "Artikel",
        "ordered": "Bestellt",
        "inside": "Hier dabei",
        "help": "Etwas fehlt oder ist kaputt?",  # typos: meant
        "number": "Bestellnummer",
        "order": "Bestellung",
    },
}


@page(scope="fulfillment:write")
def picklists(request: PageRequest) -> HttpResponse:
    """List what is to be packed, with a place to type its tracking number."""
    parcels = picking.to_pack(request.visit.mode.value)
    ready = [parcel for parcel in parcels if not parcel.waits_for]
    return show(
        request,
        "picklists.html",
        {
            "ready": ready,
            "waiting": [parcel for parcel in parcels if parcel.waits_for],
            "units": sum(parcel.units for parcel in ready),
        },
        current="picklists",
    )


@page(scope="fulfillment:write")
def export(request: PageRequest) -> HttpResponse:
    """Save what is to be packed as CSV: a row for each SKU of a parcel, those to wait last."""
    visit = request.visit
    parcels = sorted(picking.to_pack(visit.mode.value), key=lambda parcel: bool(parcel.waits_for))
    head = [
        "order", "share", "waits_for", "place", "bin", "sku", "title", "take", "ordered",
        "customer", "country", "shipping", "is_gift", "ship_by",
    ]  # fmt: skip
    return as_csv(
        name_of(visit, "picklist"),
        head,
        rows=(
            (
                parcel.order.number,
                parcel.share.share,
                parcel.waits_for,
                parcel.place,
                piece.bin,
                piece.sku,
                piece.title,
                piece.quantity,
                piece.ordered,
                parcel.customer if visit.sees_people else "",
                parcel.country,
                parcel.order.shipping_title,
                "yes" if parcel.order.is_gift else "no",
                parcel.due_at,
            )
            for parcel in parcels
            for piece in parcel.pieces
        ),
    )


@page(scope="fulfillment:write")
def print_picklist(request: PageRequest) -> HttpResponse:
    """Paper: the pick list of the chosen shares, then a packing slip for each."""
    visit = request.visit
    asked = numbers_in(request.GET.getlist("share"))
    parcels = [
        parcel
        for parcel in picking.to_pack(visit.mode.value, share_ids=sorted(asked) or None)
        if not parcel.waits_for
    ]
    voices = picking.voices(parcels)
    now = timezone.now()
    return render(
        request,
        "dashboard/paper.html",
        {
            "visit": visit,
            "now": now,
            "name": f"PL-{timezone.localtime(now):%d%m-%H%M}",
            "takes": picking.takes(parcels),
            "units": sum(parcel.units for parcel in parcels),
            "places": sorted({parcel.place for parcel in parcels}),
            "due_at": min((one.due_at for one in parcels if one.due_at), default=None),
            "slips": [_slip(parcel, voices) for parcel in parcels],
            "left_out": len(asked) - len(parcels) if asked else 0,
        },
    )


def _slip(parcel: Parcel, voices: Mapping[int, Voice]) -> dict[str, object]:
    """A packing slip in the customer's language, with the day as it is written there."""
    language = parcel.language if parcel.language in SLIP_WORDS else "en"
    placed_on = timezone.localtime(parcel.order.placed_at).date()
    return {
        "parcel": parcel,
        "town": town_lines(parcel.address) if parcel.address else [],
        "voice": voices[parcel.order.connection_id],
        "words": SLIP_WORDS[language],
        "language": language,
        "ordered_on": format_date(placed_on, "long", locale=language),
    }


class ShipForm(forms.Form):
    """What left, with whom, under which number."""

    share = forms.IntegerField()
    carrier = forms.CharField(max_length=60)
    tracking_number = forms.CharField(max_length=80, required=False)
    tracking_url = forms.URLField(max_length=500, required=False, assume_scheme="https")


@require_POST
@page(scope="fulfillment:write")
def ship(request: PageRequest) -> HttpResponse:
    """Record that all that is left of a share has gone, in one parcel."""
    visit = request.visit
    form = ShipForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "Name the carrier. The tracking number may be left empty.")
        return HttpResponseRedirect(visit.url("picklists"))
    told = form.cleaned_data
    parcels = picking.to_pack(visit.mode.value, share_ids=[told["share"]])
    if not parcels:
        messages.info(request, "It has left already, or is not shipped by hand.")
        return HttpResponseRedirect(visit.url("picklists"))
    problem = _sent(visit, parcels[0], told)
    if problem:
        messages.warning(request, problem)
    else:
        messages.success(request, f"{parcels[0].order.number}: recorded as shipped.")
    return HttpResponseRedirect(visit.url("picklists"))


def _sent(visit: Visit, parcel: Parcel, told: dict[str, Any]) -> str:
    """Record it by the room's service; returns why not, or nothing."""
    number = told["tracking_number"].strip()
    shipped_at = timezone.now()
    if parcel.waits_for:
        return f"{parcel.order.number} is not to be sent: {parcel.waits_for}."
    try:
        with access_scope.merchant(visit.merchant_id, savepoint=True):
            ship_by_hand(
                visit.merchant_id,
                parcel.share.id,
                leaving=Leaving(
                    # The same number typed twice is one parcel.
                    external_id=number or f"untracked {shipped_at.isoformat()}",
                    carrier=told["carrier"].strip(),
                    service="",
                    tracking_number=number,
                    tracking_url=told.get("tracking_url", ""),
                    shipped_at=shipped_at,
                    units={piece.item_id: piece.quantity for piece in parcel.pieces},
                ),
                by=visit.actor,
            )
    except CannotShip as error:
        return f"{error}."
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One row of a file: what it says, and what stands in the way of it."""

    row: int
    order: str
    carrier: str
    tracking_number: str
    tracking_url: str
    parcel: Parcel | None
    problem: str


@page(scope="fulfillment:write")
def import_tracking(request: PageRequest) -> HttpResponse:
    """Read tracking numbers from a file, show what each row does, then record them."""
    visit = request.visit
    if request.method != "POST":
        return show(request, "tracking_import.html", {}, current="picklists")
    text, problem, rows = "", "", list[Told]()
    try:
        text = text_of(request, most_megabytes=MOST_MEGABYTES)
        rows = _told(visit, rows_of(text, most=MOST_ROWS))
    except BadFile as error:
        problem = str(error)
    if "record" in request.POST and rows:
        fine = [row for row in rows if not row.problem]
        failed = [
            f"row {row.row}: {why}"
            for row in fine
            if row.parcel and (why := _sent(visit, row.parcel, _as_told(row)))
        ]
        messages.success(
            request, begun(f"{count_words(len(fine) - len(failed), 'parcel')} recorded.")
        )
        for why in failed:
            messages.warning(request, why)
        return HttpResponseRedirect(visit.url("picklists"))
    return show(
        request,
        "tracking_import.html",
        {
            "text": text,
            "problem": problem,
            "rows": rows,
            "fine": sum(not row.problem for row in rows),
        },
        current="picklists",
        status=422 if problem else 200,
    )


def _as_told(row: Told) -> dict[str, Any]:
    return {
        "carrier": row.carrier,
        "tracking_number": row.tracking_number,
        "tracking_url": row.tracking_url,
    }


def _told(visit: Visit, rows: list[tuple[int, Cells]]) -> list[Told]:
    """What each row of a file says of which parcel."""
    parcels = picking.to_pack(visit.mode.value)
    by_number: dict[str, list[Parcel]] = {}
    for parcel in parcels:
        by_number.setdefault(parcel.order.number.lower(), []).append(parcel)
    told, sent = [], dict[str, Told]()
    for place, cells in rows:
        number = cells.get("order", "").lstrip("#'")
        found = by_number.get(number.lower(), [])
        problem = _problem(number, cells, found) or _again(cells, sent.get(number.lower()))
        row = Told(
            row=place,
            order=number,
            carrier=cells.get("carrier", ""),
            tracking_number=cells.get("tracking_number", ""),
            tracking_url=cells.get("tracking_url", ""),
            parcel=found[0] if len(found) == 1 else None,
            problem=problem,
        )
        told.append(row)
        if not problem:
            sent[number.lower()] = row
    return told


def _again(cells: Cells, before: Told | None) -> str:
    """What is wrong with a further row of an order: an earlier one sends all that is left."""
    if before is None:
        return ""
    if cells.get("tracking_number", "") == before.tracking_number:
        return f"row {before.row} says the same"
    return f"row {before.row} sends all of it: enter a further parcel on the order’s page"


def _problem(number: str, cells: dict[str, str], found: list[Parcel]) -> str:
    if not number:
        return "no order: is there a column “order”?"
    if not cells.get("carrier"):
        return "no carrier: is there a column “carrier”?"
    if not found:
        return "no share of it waits to be sent by hand"
    if len(found) > 1:
        return "several shares of it wait: enter it on the order’s page"
    if found[0].waits_for:
        return f"not to be sent: {found[0].waits_for}"
    if cells.get("tracking_url") and not cells["tracking_url"].startswith("https://"):
        return "the link does not begin with https://"
    return ""
