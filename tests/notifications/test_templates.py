"""Templates know {{name}} and nothing else; the rest is refused when saved, with a hint."""

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.events.models import Event
from entrepot.notifications import configuring
from entrepot.notifications.models import StoreVoice, Template
from entrepot.notifications.phrases import PHRASES
from entrepot.notifications.rendering import words_for
from entrepot.notifications.states import Kind, Sender
from entrepot.notifications.templates import (
    VARIABLES,
    BadTemplate,
    Block,
    built_in,
    faults_in,
    fill_html,
    fill_text,
)
from entrepot.notifications.voices import contrast_with_white
from tests.notifications.sales import make_storefront


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_built_in_mail_would_be_accepted_from_a_merchant(kind: Kind, language: str) -> None:
    words = built_in(kind, language)

    assert words is not None
    assert faults_in(kind, subject=words.subject, html=words.html, text=words.text) == []


def test_languages_have_the_same_phrases() -> None:
    assert set(PHRASES["de"]) == set(PHRASES["en"])


@pytest.mark.parametrize(
    ("_case", "part", "fault"),
    [
        (
            "a typing error",
            "Hello {{costumer_name}}",
            "{{costumer_name}} is unknown; did you mean {{customer_name}}",
        ),
        ("a word nobody knows", "{{zzz}}", "{{zzz}} is unknown"),
        ("another kind's", "{{refund_amount}}", "{{refund_amount}} is known in refunded only"),
        ("logic", "{% if a %}", "'{% if a %}' is not a variable; only {{name}} is known"),
        ("a filter", "{{order_number|upper}}", "'{{order_number|upper}}' is not a variable"),
        ("an open brace", "{{order_number", "'{{order_number' is not a variable"),
    ],
)
def test_what_is_not_known_is_named(_case: str, part: str, fault: str) -> None:
    (found,) = faults_in(Kind.SHIPPED, subject="Hi", html="<p>Hi</p>", text=part)

    assert found.part == "text"
    assert found.message.startswith(fault)


def test_all_faults_are_told_at_once() -> None:
    faults = faults_in(
        Kind.SHIPPED, subject="{{parcels}}\nx", html="<script>1</script>{{order_numbers}}", text=" "
    )

    assert [fault.part for fault in faults] == ["subject", "html", "text", "subject", "html"]


def test_values_are_escaped_in_html_and_blocks_are_not() -> None:
    values: dict[str, str | Block] = {
        "customer_name": '<b>O\'Neil & "Söhne"</b>',
        "items": Block("<i>2 ×</i>", "2 x"),
    }

    html = fill_html("{{ customer_name }}: {{items}}", values)
    text = fill_text("{{customer_name}}: {{items}}\n\n\n\n.", values)

    assert html == "&lt;b&gt;O&#x27;Neil &amp; &quot;Söhne&quot;&lt;/b&gt;: <i>2 ×</i>"
    assert text == '<b>O\'Neil & "Söhne"</b>: 2 x\n\n.'


def test_a_value_that_looks_like_a_variable_stays_as_it_is() -> None:
    values = {"customer_name": "{{order_number}}", "order_number": "10482"}

    assert fill_text("{{customer_name}} {{order_number}}", values) == "{{order_number}} 10482"


def test_the_documented_variables_exist() -> None:
    wanted = {
        "order_number",
        "tracking_number",
        "tracking_url",
        "customer_name",
        "carrier",
        "items",
        "shop_name",
        "tracking_page",
        "refund_amount",
    }

    assert wanted <= set(VARIABLES)


def save(merchant: Merchant, storefront_id: int, language: str, subject: str) -> Template:
    return configuring.save_template(
        Kind.DELIVERED,
        merchant_id=merchant.id,
        storefront_id=storefront_id,
        language=language,
        subject=subject,
        html="<p>{{order_number}}</p>",
        text="{{order_number}}",
        by="user:3",
    )


def test_the_closest_words_win(merchant: Merchant) -> None:
    def source(language: str, voice: str = "") -> tuple[str, str]:
        with scope.merchant(merchant.id):
            words = words_for(
                Kind.DELIVERED,
                merchant_id=merchant.id,
                storefront_id=store.id,
                language=language,
                voice_language=voice,
            )
        return words.source, words.language

    with scope.merchant(merchant.id):
        store = make_storefront(merchant)
    assert source("sv_SE") == ("built-in", "en")
    assert source("de_AT") == ("built-in", "de")

    save(merchant, 0, "de", "An alle")
    assert source("de_AT") == ("merchant", "de")

    save(merchant, store.id, "de", "Vom Laden")
    assert source("de_AT") == ("storefront", "de")

    save(merchant, store.id, "de-AT", "Servus")
    assert source("de_AT") == ("storefront", "de_AT")
    assert source("sv_SE", voice="de_AT") == ("storefront", "de_AT")


def test_saving_raises_the_version_and_leaves_an_event(merchant: Merchant) -> None:
    save(merchant, 0, "de", "Eins")

    again = save(merchant, 0, "de", "Zwei")

    assert (again.version, again.subject) == (2, "Zwei")
    with scope.merchant(merchant.id):
        assert Template.objects.filter(merchant_id=merchant.id).count() == 1
        events = Event.objects.filter(merchant_id=merchant.id, name="notification.configured")
        assert [event.actor for event in events] == ["user:3", "user:3"]


def test_a_bad_template_is_not_saved(merchant: Merchant) -> None:
    with pytest.raises(BadTemplate) as refused:
        save(merchant, 0, "Deutsch!", "{{nothing}}")

    assert [fault.part for fault in refused.value.faults] == ["subject", "language"]
    with scope.merchant(merchant.id):
        assert Template.objects.filter(merchant_id=merchant.id).count() == 0


def test_a_pale_colour_is_refused_with_its_contrast(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        store = make_storefront(merchant)

    with pytest.raises(configuring.BadVoice) as refused:
        configuring.save_voice(
            store.id,
            merchant_id=merchant.id,
            by="user:3",
            sender_name="Seemöwe",
            sender_email="not an address",
            color="#f6c945",
            logo_url="http://plain.example/logo.png",
        )

    assert sorted(refused.value.faults) == ["color", "logo_url", "sender_email"]
    assert refused.value.faults["color"].startswith("its contrast with white is 1.6:1")
    assert contrast_with_white("#000000") == pytest.approx(21)


def test_a_voice_is_saved_and_changed(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        store = make_storefront(merchant)
    for color in ("#173A5E", "#0a626d"):
        configuring.save_voice(
            store.id,
            merchant_id=merchant.id,
            by="user:3",
            sender_name="Seemöwe",
            sender_email="moin@seemoewe.example",
            color=color,
        )
    configuring.choose_sender(
        store.id, Kind.CONFIRMATION, sender=Sender.SHOP, merchant_id=merchant.id, by="user:3"
    )

    with scope.merchant(merchant.id):
        voice = StoreVoice.objects.get(merchant_id=merchant.id)
    assert (voice.color, voice.sender_email) == ("#0a626d", "moin@seemoewe.example")
