"""What a merchant sets: voices, templates, and who tells the customer what."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.events import outbox
from entrepot.notifications.models import SenderChoice, StoreVoice, Template
from entrepot.notifications.states import Kind, Sender
from entrepot.notifications.templates import BadTemplate, Fault, faults_in
from entrepot.notifications.voices import LEAST_CONTRAST, contrast_with_white

_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})*")
_COLOR = re.compile(r"#[0-9a-f]{6}")


class BadVoice(Exception):
    """A voice was not saved; `faults` maps each field to what is wrong with it."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {fault}" for field, fault in faults.items()))
        self.faults = faults


def save_template(
    kind: Kind,
    *,
    merchant_id: int,
    storefront_id: int,
    language: str,
    subject: str,
    html: str,
    text: str,
    by: str,
) -> Template:
    """Save a merchant's own words; `storefront_id` 0 is for all storefronts.

    Each save raises the version. Mails whose content is fixed already keep it.

    Raises:
        BadTemplate: something in it is unknown; `faults` has everything at once.
    """
    tag = language.replace("-", "_")
    faults = faults_in(kind, subject=subject, html=html, text=text)
    if not is_language(tag):
        faults.append(Fault("language", f"{language!r} is not a language tag such as de or de_AT"))
    if faults:
        raise BadTemplate(faults)
    with scope.merchant(merchant_id), outbox.because(actor=by):
        template = (
            Template.objects.select_for_update()
            .filter(merchant_id=merchant_id, storefront_id=storefront_id, kind=kind, language=tag)
            .first()
        ) or Template(
            merchant_id=merchant_id,
            storefront_id=storefront_id,
            kind=kind,
            language=tag,
            version=0,
        )
        template.subject = subject.strip()
        template.html = html
        template.text = text
        template.version += 1
        template.save()
        _record(merchant_id, "template", template.id, [kind.value, tag])
    return template


def is_language(tag: str) -> bool:
    """Whether a template can be kept under a tag: `de` and `de_AT` are such."""
    return _LANGUAGE.fullmatch(tag) is not None


def remove_template(template_id: int, *, merchant_id: int, by: str) -> None:
    """Return to the words that come next in line. Repeating it changes nothing."""
    with scope.merchant(merchant_id), outbox.because(actor=by):
        removed, _ = Template.objects.filter(merchant_id=merchant_id, id=template_id).delete()
        if removed:
            _record(merchant_id, "template", template_id, ["removed"])


def choose_sender(
    storefront_id: int, kind: Kind, *, sender: Sender, merchant_id: int, by: str
) -> None:
    """Declare who tells a storefront's customers about a kind of news.

    Raises:
        Connection.DoesNotExist: the storefront is not this merchant's.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        storefront = Connection.objects.get(merchant_id=merchant_id, id=storefront_id)
        SenderChoice.objects.update_or_create(
            merchant_id=merchant_id,
            storefront_id=storefront.id,
            kind=kind,
            defaults={"sender": sender},
        )
        _record(merchant_id, "storefront", storefront.id, [kind.value, sender.value])


def save_voice(
    storefront_id: int,
    *,
    merchant_id: int,
    by: str,
    sender_name: str,
    sender_email: str,
    reply_to: str = "",
    logo_url: str = "",
    color: str = "",
    language: str = "",
    shop_url: str = "",
    footer: str = "",
) -> StoreVoice:
    """Save how a storefront speaks. Empty fields fall back to the connection and the settings.

    Raises:
        BadVoice: a field is wrong; all of them at once.
        Connection.DoesNotExist: the storefront is not this merchant's.
    """
    faults = _faults_of_voice(sender_email, reply_to, logo_url, color, shop_url)
    if faults:
        raise BadVoice(faults)
    with scope.merchant(merchant_id), outbox.because(actor=by):
        storefront = Connection.objects.get(merchant_id=merchant_id, id=storefront_id)
        fields = {
            "sender_name": sender_name.strip(),
            "sender_email": sender_email.strip(),
            "reply_to": reply_to.strip(),
            "logo_url": logo_url,
            "language": language.replace("-", "_"),
            "shop_url": shop_url,
            "footer": footer.strip(),
        }
        if color:
            fields["color"] = color.lower()
        voice, _ = StoreVoice.objects.update_or_create(
            storefront_id=storefront.id, merchant_id=merchant_id, defaults=fields
        )
        _record(merchant_id, "storefront", storefront.id, ["voice"])
    return voice


def _faults_of_voice(
    sender_email: str, reply_to: str, logo_url: str, color: str, shop_url: str
) -> dict[str, str]:
    faults = {}
    for field, address in (("sender_email", sender_email), ("reply_to", reply_to)):
        if address and not _is_email(address.strip()):
            faults[field] = "is not an e-mail address"
    for field, url in (("logo_url", logo_url), ("shop_url", shop_url)):
        if url and not url.startswith("https://"):
            faults[field] = "must begin with https://"
    if color and not _COLOR.fullmatch(color.lower()):
        faults["color"] = "must be written like #0a626d"
    elif color and (contrast := contrast_with_white(color.lower())) < LEAST_CONTRAST:
        faults["color"] = (
            f"its contrast with white is {contrast:.1f}:1; words on it need {LEAST_CONTRAST}:1"
        )
    return faults


def _is_email(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True


def _record(merchant_id: int, subject_kind: str, subject_id: int, fields: list[str]) -> None:
    outbox.record(
        "notification.configured",
        merchant_id=merchant_id,
        mode="live",
        subject=(subject_kind, subject_id),
        data={"fields": fields},
    )
