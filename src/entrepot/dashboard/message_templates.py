"""Messages to customers: templates by store and language, with a preview; senders; voices; log."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from entrepot.connections.models import Connection
from entrepot.dashboard.mailbox import framed
from entrepot.dashboard.page import page, show
from entrepot.dashboard.reading import connections
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import language_name
from entrepot.dashboard.words_of_states import MAIL, MAIL_KIND, chip_of
from entrepot.notifications import configuring, queries
from entrepot.notifications.models import StoreVoice, Template
from entrepot.notifications.rendering import RenderedMail
from entrepot.notifications.states import Kind, MailStatus, Sender
from entrepot.notifications.templates import BadTemplate, Words, languages_of, variables_of
from entrepot.orders.models import Order

PAGE = 50
SENDER = {Sender.HUB: "The hub", Sender.SHOP: "The shop", Sender.NOBODY: "Nobody"}
ALL_STORES = 0
SOURCE = {
    "built-in": "the built-in words",
    "merchant": "your words for every storefront",
    "storefront": "your words for this storefront",
}


def storefronts_of(visit: Visit) -> list[Connection]:
    """The connections that sell, in the visit's mode."""
    mode = visit.mode.value
    return [*connections.of_kind(mode, "storefront"), *connections.of_kind(mode, "payment")]


@page(scope="notifications:read")
def message_templates(request: PageRequest) -> HttpResponse:
    """Show who tells what per storefront, whose words are used, and what left lately."""
    visit = request.visit
    stores = storefronts_of(visit)
    own = list(Template.objects.order_by("kind", "storefront_id", "language"))
    names = {store.id: store.name for store in stores}
    status = request.GET.get("status", "")
    before = number_in(request.GET.get("before", ""))
    mails = queries.mails(visit.merchant_id, visit.mode.value)
    if status in MailStatus.values:
        mails = mails.filter(status=status)
    if before is not None:
        mails = mails.filter(id__lt=before)
    found = list(mails[: PAGE + 1])
    shown = found[:PAGE]
    orders = Order.objects.in_bulk({mail.order_id for mail in shown})
    return show(
        request,
        "message_templates.html",
        {
            "stores": [{"row": store, "senders": queries.senders(store)} for store in stores],
            "senders": [(sender.value, word) for sender, word in SENDER.items()],
            "kinds": [(kind.value, word) for kind, word in MAIL_KIND.items()],
            "own": [
                {
                    "row": row,
                    "word": MAIL_KIND[Kind(row.kind)],
                    "store": names.get(row.storefront_id, "every storefront"),
                }
                for row in own
            ],
            "mails": [
                {
                    "row": mail,
                    "order": orders.get(mail.order_id),
                    "word": MAIL_KIND[Kind(mail.kind)],
                    "chip": chip_of(MAIL, mail.status),
                }
                for mail in shown
            ],
            "statuses": [(one.value, MAIL[one].word) for one in MailStatus],
            "status": status,
            "before": before,
            "older": shown[-1].id if len(found) > len(shown) else "",
            "may_write": visit.may("settings:write"),
        },
        current="messages",
    )


class WordsForm(forms.Form):
    """Subject, HTML and text of one kind of message."""

    language = forms.CharField(
        label="Language", max_length=12, help_text="A tag such as de or de_AT"
    )
    subject = forms.CharField(label="Subject", max_length=300)
    html = forms.CharField(
        label="HTML", widget=forms.Textarea(attrs={"rows": 14, "class": "mono", "dir": "auto"})
    )
    text = forms.CharField(
        label="Text", widget=forms.Textarea(attrs={"rows": 10, "class": "mono", "dir": "auto"})
    )


@page(scope="settings:read")
def edit_template(request: PageRequest, store_id: int, kind: str) -> HttpResponse:
    """Change the words of a message, with the variables beside and a real order to look at it."""
    visit = request.visit
    what, store = _asked(visit, store_id, kind)
    asked = _language_asked(request)
    words = queries.words_to_edit(
        what,
        merchant_id=visit.merchant_id,
        storefront_id=store_id,
        language=asked or visit.merchant.locale or "en",
    )
    language = asked or words.language
    own = Template.objects.filter(storefront_id=store_id, kind=what, language=language).first()
    may_write = visit.may("settings:write")
    is_saved = request.method == "POST" and may_write
    form = WordsForm(
        request.POST if is_saved else None,
        initial={
            "language": language,
            "subject": words.subject,
            "html": words.html,
            "text": words.text,
        },
    )
    if not may_write:
        _only_shown(form)
    if is_saved and form.is_valid() and _saved(visit, form, what, store_id):
        messages.success(request, f"{MAIL_KIND[what]} is saved. Mails from now on use it.")
        address = visit.url("edit-template", store_id, kind)
        return HttpResponseRedirect(f"{address}?language={form.cleaned_data['language']}")
    recent = Order.objects.filter(mode=visit.mode).order_by("-placed_at", "-id")
    if store is not None:
        recent = recent.filter(connection_id=store.id)
    return show(
        request,
        "edit_template.html",
        {
            "form": form,
            "kind": what.value,
            "word": MAIL_KIND[what],
            "store": store,
            "store_id": store_id,
            "own": own,
            "source": f"{SOURCE[words.source]} in {language_name(words.language)}",
            "language": language,
            "is_begun": language != words.language,
            "languages": _languages(what, store_id),
            "variables": sorted(variables_of(what).items()),
            "orders": list(recent[:8]),
            "may_write": may_write,
        },
        current="messages",
        status=422 if form.errors else 200,
    )


def _language_asked(request: PageRequest) -> str:
    """The language that an address names; "" where it names none that can be written in."""
    tag = request.GET.get("language", "").strip().replace("-", "_")
    return tag if configuring.is_language(tag) else ""


def _languages(kind: Kind, store_id: int) -> list[str]:
    """The languages in which there are words already, the hub's and the merchant's own."""
    own = Template.objects.filter(kind=kind, storefront_id__in={ALL_STORES, store_id})
    return sorted({*languages_of(kind), *own.values_list("language", flat=True)})


def _asked(visit: Visit, store_id: int, kind: str) -> tuple[Kind, Connection | None]:
    if kind not in Kind.values:
        raise Http404(f"no kind of message {kind!r}")
    if store_id == ALL_STORES:
        return Kind(kind), None
    store = next((one for one in storefronts_of(visit) if one.id == store_id), None)
    if store is None:
        raise Http404(f"no storefront {store_id} in {visit.mode} mode")
    return Kind(kind), store


def _saved(visit: Visit, form: WordsForm, kind: Kind, store_id: int) -> bool:
    told = form.cleaned_data
    try:
        configuring.save_template(
            kind,
            merchant_id=visit.merchant_id,
            storefront_id=store_id,
            language=told["language"],
            subject=told["subject"],
            html=told["html"],
            text=told["text"],
            by=visit.actor,
        )
    except BadTemplate as error:
        for fault in error.faults:
            form.add_error(fault.part if fault.part in form.fields else None, f"{fault.message}.")
        return False
    return True


@require_POST
@page(scope="settings:write")
def remove_template(request: PageRequest, template_id: int) -> HttpResponse:
    """Go back to the words that come next in line."""
    visit = request.visit
    configuring.remove_template(template_id, merchant_id=visit.merchant_id, by=visit.actor)
    messages.success(request, "Removed. The words that come next in line are used.")
    return HttpResponseRedirect(visit.url("messages"))


@page(scope="personal_data:read")
def preview_template(request: PageRequest, store_id: int, kind: str) -> HttpResponse:
    """A message as a real order's customer would get it, shut in; nothing is sent.

    A POST shows words that were typed and not saved.
    """
    visit = request.visit
    what, _store = _asked(visit, store_id, kind)
    asked = request.POST if request.method == "POST" else request.GET
    order_id = number_in(asked.get("order", ""))
    order = Order.objects.filter(id=order_id or 0, mode=visit.mode).first()
    if order is None:
        return framed("<p>Choose an order to see the message with its words and numbers.</p>")
    draft = None
    if request.method == "POST":
        form = WordsForm(request.POST)
        if not form.is_valid():
            return framed("<p>Fill in language, subject, HTML and text first.</p>")
        told = form.cleaned_data
        draft = Words(told["subject"], told["html"], told["text"], told["language"], "draft")
    try:
        mail = queries.preview(
            order.id,
            what,
            merchant_id=visit.merchant_id,
            language=asked.get("language", ""),
            draft=draft,
        )
    except KeyError as error:
        return framed(f"<p>{{{{{str(error.args[0])[:40]}}}}} is not known in this message.</p>")
    return framed(_with_head(mail))


def _with_head(mail: RenderedMail) -> str:
    """The HTML part below its subject, and the text part behind a fold."""
    strip = format_html(
        '<div style="font:14px system-ui;padding:8px 16px"><b>Subject:</b> {}'
        "<details><summary>Text part</summary><pre style='white-space:pre-wrap'>{}</pre>"
        "</details></div>",
        mail.subject,
        mail.text,
    )
    head, body, rest = mail.html.partition("<body")
    tag, end, inside = rest.partition(">")
    return f"{head}{body}{tag}{end}{strip}{inside}" if end else f"{strip}{mail.html}"


@require_POST
@page(scope="settings:write")
def choose_sender(request: PageRequest) -> HttpResponse:
    """Declare who tells a storefront's customers about a kind of news."""
    visit = request.visit
    store = request.POST.get("store", "")
    kind, sender = request.POST.get("kind", ""), request.POST.get("sender", "")
    known = {str(one.id): one for one in storefronts_of(visit)}
    if store in known and kind in Kind.values and sender in Sender.values:
        configuring.choose_sender(
            known[store].id,
            Kind(kind),
            sender=Sender(sender),
            merchant_id=visit.merchant_id,
            by=visit.actor,
        )
        who = SENDER[Sender(sender)]
        messages.success(request, f"{known[store].name}, {MAIL_KIND[Kind(kind)].lower()}: {who}.")
    return HttpResponseRedirect(visit.url("messages"))


class VoiceForm(forms.Form):
    """How a storefront speaks; an empty field falls back to the connection and the settings."""

    sender_name = forms.CharField(label="Sender’s name", max_length=120, required=False)
    sender_email = forms.CharField(label="Sender’s address", max_length=254, required=False)
    reply_to = forms.CharField(label="Answers go to", max_length=254, required=False)
    language = forms.CharField(
        label="Language", max_length=12, required=False, help_text="Where the customer’s is unknown"
    )
    color = forms.CharField(
        label="Colour", max_length=7, required=False, help_text="As #0a626d; white must be readable"
    )
    logo_url = forms.CharField(label="Link of the logo", max_length=500, required=False)
    shop_url = forms.CharField(label="The shop’s address", max_length=500, required=False)
    footer = forms.CharField(
        label="Footer", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


def _only_shown(form: forms.Form) -> None:
    """Let fields be read, and sent for a preview, by those who may not change them."""
    for field in form.fields.values():
        field.widget.attrs["readonly"] = True


@page(scope="settings:read")
def voice(request: PageRequest, store_id: int) -> HttpResponse:
    """Show and change how a storefront speaks to its customers."""
    visit = request.visit
    _kind, store = _asked(visit, store_id, Kind.SHIPPED.value)
    if store is None:
        raise Http404("a voice is a storefront's own")
    row = StoreVoice.objects.filter(storefront_id=store.id).first()
    initial: dict[str, Any] = {
        name: getattr(row, name) for name in VoiceForm.base_fields if row is not None
    }
    may_write = visit.may("settings:write")
    is_saved = request.method == "POST" and may_write
    form = VoiceForm(request.POST if is_saved else None, initial=initial)
    if not may_write:
        _only_shown(form)
    if is_saved and form.is_valid():
        try:
            configuring.save_voice(
                store.id, merchant_id=visit.merchant_id, by=visit.actor, **form.cleaned_data
            )
        except configuring.BadVoice as error:
            for name, fault in error.faults.items():
                form.add_error(name, f"{fault[:1].upper()}{fault[1:]}.")
        else:
            messages.success(request, f"The voice of {store.name} is saved.")
            return HttpResponseRedirect(visit.url("messages"))
    return show(
        request,
        "voice.html",
        {"form": form, "store": store, "may_write": may_write},
        current="messages",
        status=422 if form.errors else 200,
    )
