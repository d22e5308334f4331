"""One message to a customer: its words, its fate, and sending it again."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from entrepot.access.crypto import CannotDecrypt
from entrepot.dashboard.actions.action import Effect, ReasonForm, nothing
from entrepot.dashboard.asking import ask
from entrepot.dashboard.mailbox import framed
from entrepot.dashboard.page import page, show
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import masked_email
from entrepot.dashboard.words_of_states import MAIL, MAIL_KIND, chip_of
from entrepot.notifications import queries, services
from entrepot.notifications.models import Mail
from entrepot.notifications.states import Kind, MailStatus
from entrepot.orders.models import Order

OPEN = frozenset({MailStatus.WAITING, MailStatus.UNKNOWN})


@page(scope="notifications:read")
def mail(request: PageRequest, mail_id: int) -> HttpResponse:
    """Show what a customer was told, and what the mail service said of it."""
    visit = request.visit
    row = _found(visit, mail_id)
    return show(
        request,
        "mail.html",
        {
            "mail": row,
            "order": Order.objects.get(id=row.order_id),
            "word": MAIL_KIND[Kind(row.kind)],
            "chip": chip_of(MAIL, row.status),
            "recipient": _recipient(row),
            "events": list(queries.events_of([row.id], merchant_id=visit.merchant_id)),
            "again": list(Mail.objects.filter(resends_id=row.id).order_by("id")),
            "may_resend": visit.may("notifications:write") and row.status not in OPEN,
        },
        current="messages",
    )


def _found(visit: Visit, mail_id: int) -> Mail:
    row = queries.mails(visit.merchant_id, visit.mode.value).filter(id=mail_id).first()
    if row is None:
        raise Http404(f"no mail {mail_id} in {visit.mode} mode")
    return row


def _recipient(row: Mail) -> str:
    try:
        address = queries.recipient_of(row)
    except CannotDecrypt:
        return ""
    return masked_email(address) if address else ""


@page(scope="personal_data:read")
def sent_html(request: PageRequest, mail_id: int) -> HttpResponse:
    """The HTML part of a mail, shut in: for the frame on its page."""
    row = _found(request.visit, mail_id)
    return framed(row.html or "<p>This mail has no HTML part yet.</p>")


@page(scope="notifications:write")
def resend(request: PageRequest, mail_id: int) -> HttpResponse:
    """Preview and send a mail again, as a new one with the words of now."""
    visit = request.visit
    row = _found(visit, mail_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    back = visit.url("mail", row.id)
    obstacle = ""
    if row.status in OPEN:
        obstacle = "It has not left, or nobody knows whether it arrived. Wait until that is known."
    elif request.method == "POST" and form.is_valid():
        again = services.resend(
            row.id,
            merchant_id=visit.merchant_id,
            by=visit.actor,
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, "It is sent again within a minute.")
        return HttpResponseRedirect(visit.url("mail", again.id))
    return ask(
        request,
        title=f"Send “{MAIL_KIND[Kind(row.kind)]}” again?",
        address=visit.url("resend-mail", row.id),
        form=form,
        effects=[
            Effect("mail", "One new mail to the same customer, with today’s facts", "1", "info"),
            nothing("truck", "Nothing is shipped, refunded or written to the storefront"),
        ],
        verb="Send again",
        back=back,
        current="messages",
        obstacle=obstacle,
    )
