"""The sandbox's mailbox: mails that were kept instead of sent, shown as the customer sees them."""

from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpResponse

from entrepot.dashboard.page import page, show
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import Chip, masked_email
from entrepot.dashboard.words_of_states import MAIL, MAIL_KIND, chip_of
from entrepot.intake.tables import as_csv
from entrepot.notifications import queries
from entrepot.notifications.models import Mail, SandboxMail
from entrepot.orders.models import Order

PAGE = 30
VIEWS = (("html", "HTML"), ("text", "Text"), ("source", "Source"))
# A stranger's page inside ours: no script, no form, no plug-in, nothing of our origin.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:;"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox"
)
MAILBOX_BACKEND = "entrepot.notifications.mailbox.MailboxBackend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A kept mail with what it is about; without an order it is not one of a customer's."""

    row: SandboxMail
    sender: str
    recipient: str
    order: Order | None
    kind: str
    chip: Chip | None


@page(scope="notifications:read")
def mailbox(request: PageRequest) -> HttpResponse:
    """List the kept mails and show the chosen one beside them."""
    visit = request.visit
    search = request.GET.get("q", "").strip()
    before = number_in(request.GET.get("before", ""))
    found = _page(visit, search=search, before_id=before, limit=PAGE + 1)
    shown = found[:PAGE]
    chosen = _chosen(visit, request.GET.get("mail", ""), shown)
    view = request.GET.get("view", "html")
    query = request.GET.copy()
    query.pop("mail", None)
    query.pop("view", None)
    return show(
        request,
        "mailbox.html",
        {
            "letters": shown,
            "chosen": chosen,
            "view": view if view in dict(VIEWS) else "html",
            "views": VIEWS,
            "search": search,
            "query": query.urlencode(),
            "found": urlencode({"q": search}) if search else "",
            "older": shown[-1].row.id if len(found) > len(shown) else "",
            "before": before,
            "is_kept": settings.EMAIL_BACKEND == MAILBOX_BACKEND,
        },
        current="mailbox",
    )


@page(scope="notifications:read")
def export(request: PageRequest) -> HttpResponse:
    """Save the kept mails that the search finds as CSV, without what they say."""
    visit = request.visit
    search = request.GET.get("q", "").strip()

    def behind(letter: Letter | None, limit: int) -> list[Letter]:
        before = letter.row.id if letter else None
        return _page(visit, search=search, before_id=before, limit=limit)

    return as_csv(
        name_of(visit, "mailbox"),
        ["kept_at", "from", "to", "subject", "order", "kind", "state", "message_id"],
        rows=(
            (
                letter.row.received_at,
                letter.sender,
                letter.recipient,
                letter.row.subject,
                letter.order.number if letter.order else "",
                letter.kind,
                letter.chip.word if letter.chip else "",
                letter.row.message_id,
            )
            for letter in all_pages(behind)
        ),
    )


def _page(visit: Visit, *, search: str, before_id: int | None, limit: int) -> list[Letter]:
    """Kept mails that the search finds, the newest first."""
    rows = queries.sandbox_mails(visit.merchant_id)
    if search:
        named = Q(subject__icontains=search)
        if visit.sees_people:  # or an address could be guessed letter by letter
            named |= Q(recipient__icontains=search)
        rows = rows.filter(named)
    if before_id is not None:
        rows = rows.filter(id__lt=before_id)
    return _letters(visit, list(rows[:limit]))


def _letters(visit: Visit, rows: list[SandboxMail]) -> list[Letter]:
    """Mails with the orders that they are about, found by their Message-ID; two queries."""
    ids = [row.message_id for row in rows if row.message_id]
    mails = {mail.message_id: mail for mail in Mail.objects.filter(message_id__in=ids)}
    orders = Order.objects.in_bulk({mail.order_id for mail in mails.values()})
    letters = []
    for row in rows:
        mail = mails.get(row.message_id)
        letters.append(
            Letter(
                row=row,
                sender=_readable(row.sender),
                recipient=row.recipient if visit.sees_people else masked_email(row.recipient),
                order=orders.get(mail.order_id) if mail else None,
                kind=MAIL_KIND[mail.kind] if mail else "",  # type: ignore[index]
                chip=chip_of(MAIL, mail.status) if mail else None,
            )
        )
    return letters


def _readable(header: str) -> str:
    """A header as mail programs show it: the names in it are coded where they are not ASCII."""
    try:
        return str(make_header(decode_header(header)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return header


def _chosen(visit: Visit, asked: str, shown: list[Letter]) -> Letter | None:
    mail_id = number_in(asked)
    if mail_id is None:
        return shown[0] if shown else None
    among = next((letter for letter in shown if letter.row.id == mail_id), None)
    return among or _letters(visit, [_found(mail_id)])[0]


def _found(mail_id: int) -> SandboxMail:
    row = SandboxMail.objects.filter(id=mail_id).first()
    if row is None:
        raise Http404(f"no mail {mail_id} in the mailbox")
    return row


@page(scope="notifications:read")
def mail_html(request: PageRequest, mail_id: int) -> HttpResponse:
    """The mail's own page, shut in: for the frame on the mailbox page."""
    row = _found(mail_id)
    if not request.visit.sees_people:
        return framed("<p>Mails to customers are hidden from your role.</p>")
    return framed(row.html or "<p>This mail has no HTML part.</p>")


def framed(html: str) -> HttpResponse:
    """A stranger's HTML that can do nothing, and may stand in a frame of ours only."""
    return HttpResponse(
        html,
        headers={
            "Content-Security-Policy": POLICY,
            "X-Frame-Options": "SAMEORIGIN",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )
