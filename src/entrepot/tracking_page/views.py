"""The customer's pages: one order by its link, stopping its mails, and the look-up.

The link is the key: whoever has it sees the order. A look-up by number and e-mail address opens a
shorter-lived link that hides the street, and shows no other order.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.access.signing import BadToken, ExpiredToken, make_token, read_token
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFactKind
from entrepot.connect.towns import town_lines
from entrepot.connections.models import Connection
from entrepot.customers.models import Customer
from entrepot.customers.queries import address_of
from entrepot.notifications import queries as notifications
from entrepot.notifications.links import BY_LOOK_UP, TRACKING_PURPOSE, tracking_token
from entrepot.notifications.models import MailStop
from entrepot.notifications.services import stop_mails
from entrepot.notifications.states import Sender
from entrepot.notifications.voices import STORE_COLOR, voice_of
from entrepot.notifications.voices import Voice as Store
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry
from entrepot.tracking_page import looking_up, telling
from entrepot.tracking_page.colors import store_style
from entrepot.tracking_page.looking_up import TooOften
from entrepot.tracking_page.reading import cards_of
from entrepot.tracking_page.voice import Voice

LOOKED_UP_LASTS = timedelta(hours=2)
OTHERS_SHOWN = 5
NEWS_SHOWN = 5
COLOR = re.compile(r"[0-9a-f]{6}")
# A merchant writes the logo's address, and it becomes a part of a header with a grammar of its own.
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Visit:
    """What a link opens; `is_looked_up` sees less than one that came by mail."""

    merchant_id: int
    order_id: int
    is_looked_up: bool


@require_safe
def order(request: HttpRequest, token: str) -> HttpResponse:
    """Show an order to the one who has its link."""
    try:
        visit = _opened(token)
    except BadToken as error:
        return _closed(request, error)
    with scope.merchant(visit.merchant_id):
        row = _order(visit)
        customer = Customer.objects.filter(id=row.customer_id or 0).first()
        address = address_of(row.address_id)
        store = voice_of(row.connection_id)
        voice = _voice(request, customer, store, country=address.country)
        found = cards_of(row, voice)
        context = {
            **_frame(voice, store, token=token),
            "order": row,
            "token": token,
            "headline": telling.headline(row, found, voice=voice),
            "found": found,
            "placed": voice.date(row.placed_at),
            "is_mailed": _is_mailed(row),
            "is_stopped": _is_stopped(row),
            "zone": voice.zone_words,
            "address": [] if visit.is_looked_up else _lines(address, voice),
            "place": _place(address, voice),
            "sums": _sums(row, voice),
            "news": [] if visit.is_looked_up else _news(row, voice),
            "others": [] if visit.is_looked_up else _others(row, voice),
            "look_up_url": _look_up_url(row.merchant_id),
            "languages": [(tag, name, tag == voice.language) for tag, name in voice.others()],
        }
        return _answer(request, "order.html", context, store=store)


@csrf_exempt  # one click in a mail program stops the mails (RFC 8058), and nothing else
@require_http_methods(["GET", "HEAD", "POST"])
def mails(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the mails about an order; asking first where somebody opened the page."""
    try:
        visit = _opened(token)
    except BadToken as error:
        return _closed(request, error)
    if request.method == "POST":
        with scope.merchant(visit.merchant_id):
            _order(visit)  # the link may outlive its order
        stop_mails(visit.order_id, merchant_id=visit.merchant_id, by="customer")
        if request.POST.get("List-Unsubscribe"):
            return HttpResponse(status=204)
        return HttpResponseRedirect(f"{reverse('tracking', args=[token])}{_said_in(request)}#mails")
    with scope.merchant(visit.merchant_id):
        row = _order(visit)
        customer = Customer.objects.filter(id=row.customer_id or 0).first()
        store = voice_of(row.connection_id)
        voice = _voice(request, customer, store)
        context = {
            **_frame(voice, store, token=token),
            "order": row,
            "token": token,
            "is_stopped": _is_stopped(row),
        }
        return _answer(request, "mails.html", context, store=store)


@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request: HttpRequest, code: str = "") -> HttpResponse:
    """Find an order by its number and e-mail address."""
    with scope.system():
        merchant = Merchant.objects.filter(code=code).first() if code else None
    if code and merchant is None:
        raise Http404("no such merchant")
    told = {name: request.POST.get(name, "").strip()[:254] for name in ("number", "email")}
    problem, status = "", 200
    if request.method == "POST":
        try:
            found = looking_up.look_up(
                number=told["number"],
                email=told["email"],
                address=str(request.META.get("REMOTE_ADDR", "")),
                merchant_code=code,
            )
        except TooOften:
            problem, status = "look_up.often", 429
        else:
            if found is not None:
                values = {"merchant": found.merchant_id, "order": found.order_id, "by": BY_LOOK_UP}
                token = make_token(TRACKING_PURPOSE, values, lifetime=LOOKED_UP_LASTS)
                return HttpResponseRedirect(reverse("tracking", args=[token]) + _said_in(request))
            problem, status = "look_up.nothing", 404
    voice = _voice(request, None, None, language=merchant.locale if merchant else "")
    context = {
        **_frame(voice, None),
        "merchant": merchant,
        "told": told,
        "problem": problem,
        "look_up_url": request.path,
        "languages": [(tag, name, tag == voice.language) for tag, name in voice.others()],
    }
    return _answer(request, "look_up.html", context, status=status)


@require_safe
def style(_request: HttpRequest, color: str) -> HttpResponse:
    """The store's colour as a stylesheet; kept by browsers for long, for it names its content."""
    if not COLOR.fullmatch(color):
        raise Http404("no such colour")
    return HttpResponse(
        store_style(f"#{color}"),
        content_type="text/css; charset=utf-8",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


@require_safe
def former(_request: HttpRequest, token: str) -> HttpResponse:
    """The same page under its longer address."""
    return HttpResponseRedirect(reverse("tracking", args=[token]))


def _opened(token: str) -> Visit:
    values = read_token(TRACKING_PURPOSE, token)
    try:
        return Visit(int(values["merchant"]), int(values["order"]), values.get("by") == BY_LOOK_UP)
    except (KeyError, TypeError, ValueError) as error:
        raise BadToken("the link is damaged or not for this") from error


def _order(visit: Visit) -> Order:
    row = Order.objects.filter(id=visit.order_id).first()
    if row is None:
        raise Http404("the order is gone")
    return row


def _closed(request: HttpRequest, error: BadToken) -> HttpResponse:
    voice = _voice(request, None, None)
    key = "expired" if isinstance(error, ExpiredToken) else "broken"
    context = {**_frame(voice, None), "key": key, "look_up_url": _look_up_url(None), "told": {}}
    return _answer(request, "closed.html", context, status=410 if key == "expired" else 404)


def _voice(
    request: HttpRequest,
    customer: Customer | None,
    store: Store | None,
    *,
    country: str = "",
    language: str = "",
) -> Voice:
    """The language that was chosen on the page, else the customer's, the store's, the browser's."""
    spoken = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0].strip()
    chosen = (
        request.GET.get("lang", "")[:12]
        or (customer.language if customer else "")
        or (store.language if store else "")
        or language
        or spoken
    )
    return Voice.of(chosen, country=country, time_zone=store.time_zone if store else "UTC")


def _frame(voice: Voice, store: Store | None, *, token: str = "") -> dict[str, Any]:
    color = (store.color if store else STORE_COLOR).removeprefix("#")
    return {"voice": voice, "store": store, "color": color, "token": token}


def _answer(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    store: Store | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page that search engines leave alone and that tells no other site its address."""
    context = {**context, "said_in": _said_in(request)}
    response = render(request, f"tracking_page/{template}", context, status=status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    # With "no-referrer" a browser calls the origin of our own forms null, and they are refused.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    logo = urlsplit(store.logo_url) if store and store.logo_url else None
    is_plain = logo and logo.scheme == "https" and HOST.fullmatch(logo.netloc)
    pictures = f" https://{logo.netloc}" if logo and is_plain else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'self'; img-src 'self' data:{pictures}; frame-ancestors 'none';"
        " form-action 'self'; base-uri 'none'; object-src 'none'"
    )
    return response


def _said_in(request: HttpRequest) -> str:
    """What an address ends in so that the next page speaks the language chosen on this one."""
    chosen = request.GET.get("lang", "")[:12]
    return f"?{urlencode({'lang': chosen})}" if chosen else ""


def _look_up_url(merchant_id: int | None) -> str:
    if merchant_id is None:
        return reverse("look-up")
    code = Merchant.objects.values_list("code", flat=True).get(id=merchant_id)
    return reverse("look-up-at", args=[code])


def _is_stopped(row: Order) -> bool:
    return MailStop.objects.filter(order_id=row.id).exists()


def _is_mailed(row: Order) -> bool:
    """Whether the customer hears from us: somebody has to be told, and the store chose the hub."""
    if row.is_history or _is_stopped(row):
        return False
    storefront = Connection.objects.get(id=row.connection_id)
    return any(one.sender == Sender.HUB for one in notifications.senders(storefront))


def _lines(address: Any, voice: Voice) -> list[str]:
    country = str(voice.locale.territories.get(address.country, address.country))
    parts = (
        address.name,
        address.company,
        address.line1,
        address.line2,
        *town_lines(address),
        country,
    )
    return [part for part in parts if part]


def _place(address: Any, voice: Voice) -> str:
    country = str(voice.locale.territories.get(address.country, address.country))
    return ", ".join(filter(None, (address.city, country)))


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of the totals."""

    words: str
    amount: str
    is_total: bool = False


def _sums(row: Order, voice: Voice) -> list[Sum]:
    def money(amount: Any) -> Money:
        return Money(amount, row.currency)

    lines = row.lines.filter(removed_at=None).count()
    tax = voice.say("tax_included" if row.prices_include_tax else "tax")
    sums = [Sum(voice.count("lines", lines), voice.money(money(row.total_lines)))]
    for key, amount in (
        ("discount", -row.total_discount),
        ("shipping", row.total_shipping),
        ("fees", row.total_fees),
    ):
        if amount:
            sums.append(Sum(voice.say(key), voice.money(money(amount))))
    if row.total_tax and not row.prices_include_tax:
        sums.append(Sum(tax, voice.money(money(row.total_tax))))
    sums.append(Sum(voice.say("total"), voice.money(money(row.total)), is_total=True))
    if row.total_tax and row.prices_include_tax:
        sums.append(Sum(tax, voice.money(money(row.total_tax))))
    refunds = PaymentEntry.objects.filter(order_id=row.id, kind=PaymentFactKind.REFUNDED)
    for entry in refunds.order_by("happened_at", "id"):
        words = f"{voice.say('refunded')} {voice.short(entry.happened_at)}"
        sums.append(Sum(words, voice.money(Money(-entry.amount, entry.currency))))
    return sums


def _news(row: Order, voice: Voice) -> list[dict[str, str]]:
    """What was told inside the product about this order, the newest first."""
    if row.customer_id is None:
        return []
    told = notifications.news_of_customer(row.merchant_id, row.customer_id).filter(order_id=row.id)
    return [
        {"title": one.title, "message": one.message, "at": voice.moment(one.created_at)}
        for one in told[:NEWS_SHOWN]
    ]


def _others(row: Order, voice: Voice) -> list[dict[str, str]]:
    """The customer's other orders at the same merchant, each with a link of its own."""
    rows: QuerySet[Order] = Order.objects.filter(customer_id=row.customer_id, mode=row.mode)
    if row.customer_id is None:
        return []
    return [
        {
            "number": other.number,
            "placed": voice.date(other.placed_at),
            "total": voice.money(Money(other.total, other.currency)),
            "url": reverse("tracking", args=[tracking_token(other.merchant_id, other.id)]),
        }
        for other in rows.exclude(id=row.id).order_by("-placed_at", "-id")[:OTHERS_SHOWN]
    ]
