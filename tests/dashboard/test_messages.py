"""Messages: senders, own words with their faults, a preview with a real order, and the voice."""

import pytest

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.notifications.models import SenderChoice, StoreVoice, Template
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of

WORDS = {
    "language": "de",
    "subject": "Moin {{first_name}}, {{order_number}} ist unterwegs",
    "html": "<h1>{{headline}}</h1>{{parcels}}{{order_link}}",
    "text": "{{headline}}\n{{parcels}}",
}


def test_one_sender_per_storefront_and_kind_is_declared(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    store = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)

    client.post("/messages/sender/", {"store": store, "kind": "confirmation", "sender": "shop"})

    with scope.merchant(empty_scene.merchant.id):
        row = SenderChoice.objects.get()
    assert (row.storefront_id, row.kind, row.sender) == (store, "confirmation", "shop")
    assert "Seemöwe Shop" in page_of(client, "/messages/")


def test_own_words_are_saved_and_their_faults_named(empty_scene: Scene, sign_in: SignIn) -> None:
    store = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)
    path = f"/messages/template/{store}/shipped/"

    wrong = client.post(path, {**WORDS, "subject": "{{order_no}}", "html": "<script>x</script>"})
    with scope.merchant(empty_scene.merchant.id):
        before = Template.objects.count()
    client.post(path, WORDS)

    page = wrong.content.decode()
    assert wrong.status_code == 422
    assert "did you mean" in page
    assert "does not belong into a mail" in page
    assert before == 0
    with scope.merchant(empty_scene.merchant.id):
        row = Template.objects.get()
    assert (row.storefront_id, row.language, row.version) == (store, "de", 1)


@pytest.mark.parametrize(
    ("_case", "language", "begins", "name"),
    [
        ("one that the hub speaks", "de", "Bestellung {{order_number}}", "German"),
        ("its kin", "de_AT", "Bestellung {{order_number}}", "German"),
        ("as a browser writes it", "de-CH", "Bestellung {{order_number}}", "German"),
        ("one that it does not", "fr", "order {{order_number}}", "English"),
    ],
)
def test_a_new_language_begins_with_the_nearest_words_there_are(
    empty_scene: Scene, sign_in: SignIn, _case: str, language: str, begins: str, name: str
) -> None:
    store = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)

    page = page_of(client, f"/messages/template/{store}/shipped/?language={language}")

    assert f'name="language" value="{language.replace("-", "_")}"' in page
    assert begins in page
    assert f"the built-in words in {name}" in page


def test_a_new_language_begins_with_own_words_where_they_are_nearer(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    store = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)
    client.post("/messages/template/0/shipped/", WORDS)

    page = page_of(client, f"/messages/template/{store}/shipped/?language=de_AT")

    assert 'name="language" value="de_AT"' in page
    assert "{{order_number}} ist unterwegs" in page
    assert "your words for every storefront in German" in page
    assert "Remove these words" not in page


def test_languages_with_words_are_offered_and_another_can_be_begun(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(empty_scene, Role.OWNER)
    client.post("/messages/template/0/shipped/", {**WORDS, "language": "sv"})

    page = page_of(client, "/messages/template/0/shipped/")
    strange = client.get("/messages/template/0/shipped/?language=%3Cb%3E").content.decode()

    for language in ("en", "de", "sv"):
        assert f'href="/messages/template/0/shipped/?language={language}"' in page
    assert "Another language" in page
    assert 'name="language" value="en"' in strange


def test_words_are_previewed_with_a_real_order_before_they_are_saved(
    scene: Scene, sign_in: SignIn
) -> None:
    store = scene.connections["shop"].id
    client = sign_in(scene, Role.OWNER)
    order = scene.orders["10482"].id

    answer = client.post(
        f"/messages/template/{store}/shipped/preview/", {**WORDS, "order": str(order)}
    )

    page = answer.content.decode()
    assert "Leuchtturm" in page
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    with scope.merchant(scene.merchant.id):
        assert not Template.objects.exists()


def test_a_voice_whose_colour_cannot_be_read_is_refused(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    store = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OWNER)
    path = f"/messages/voice/{store}/"
    told = {"sender_name": "Seemöwe Prints", "sender_email": "moin@seemoewe.example"}

    pale = client.post(path, {**told, "color": "#ffe680"})
    client.post(path, {**told, "color": "#173a5e", "language": "de"})

    assert pale.status_code == 422
    assert "contrast" in pale.content.decode()
    with scope.merchant(empty_scene.merchant.id):
        row = StoreVoice.objects.get()
    assert (row.sender_name, row.color, row.language) == ("Seemöwe Prints", "#173a5e", "de")


def test_an_operator_reads_words_and_changes_none(empty_scene: Scene, sign_in: SignIn) -> None:
    store = empty_scene.connections["shop"].id
    client = sign_in(empty_scene, Role.OPERATOR)

    client.post(f"/messages/template/{store}/shipped/", WORDS)

    with scope.merchant(empty_scene.merchant.id):
        assert not Template.objects.exists()
    assert "Save words" not in page_of(client, f"/messages/template/{store}/shipped/")


def test_who_may_not_change_words_only_reads_them(scene: Scene, sign_in: SignIn) -> None:
    shop = scene.connections["shop"].id

    for page in ("/messages/template/0/shipped/", f"/messages/voice/{shop}/"):
        reads = sign_in(scene).get(page).content.decode()
        writes = sign_in(scene, Role.OWNER).get(page).content.decode()
        assert reads.count(" readonly") >= 4
        assert " readonly" not in writes
