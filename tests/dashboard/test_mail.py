"""The page of one mail: its words for those who may see them, and sending it again."""

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.notifications.models import Mail, MailEvent
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def mail_of(scene: Scene, kind: str) -> Mail:
    with scope.merchant(scene.merchant.id):
        return Mail.objects.get(kind=kind, order_id=scene.orders["10482"].id, resends_id=None)


def test_a_mail_is_shown_with_what_the_service_said_of_it(scene: Scene, sign_in: SignIn) -> None:
    mail = mail_of(scene, "exception")
    with scope.merchant(scene.merchant.id):
        MailEvent.objects.create(
            merchant_id=scene.merchant.id,
            mail_id=mail.id,
            event_id="ev-1",
            kind="delivered",
            detail="250 2.0.0 angenommen",
            happened_at=mail.created_at,
        )
    client = sign_in(scene)

    page = page_of(client, f"/mails/{mail.id}/")
    order = page_of(client, f"/orders/{mail.order_id}/")
    framed = client.get(f"/mails/{mail.id}/html/")

    assert "Deine Sendung verspätet sich" in page
    assert "250 2.0.0 angenommen" in page
    assert f'href="/mails/{mail.id}/"' in order
    assert "<h1>Moin Mareike</h1>" in framed.content.decode()
    assert "sandbox" in framed.headers["Content-Security-Policy"]


def test_a_viewer_sees_that_a_mail_left_and_not_what_it_says(scene: Scene, sign_in: SignIn) -> None:
    mail = mail_of(scene, "exception")
    viewer = sign_in(scene, Role.VIEWER)

    page = page_of(viewer, f"/mails/{mail.id}/")
    framed = viewer.get(f"/mails/{mail.id}/html/")

    assert "hidden from your role" in page
    assert "Resend" not in page
    assert framed.status_code == 403


def test_a_mail_is_sent_again_once_it_was_previewed(scene: Scene, sign_in: SignIn) -> None:
    mail = mail_of(scene, "partly_shipped")
    client = sign_in(scene)

    preview = page_of(client, f"/mails/{mail.id}/resend/")
    answer = client.post(f"/mails/{mail.id}/resend/", {"reason": "landete im Spam"})

    with scope.merchant(scene.merchant.id):
        again = Mail.objects.get(resends_id=mail.id)
    assert "One new mail to the same customer" in preview
    assert answer["Location"] == f"/mails/{again.id}/"
    assert (again.status, again.kind, again.reason) == (
        "waiting",
        "partly_shipped",
        "landete im Spam",
    )


def test_a_mail_whose_fate_is_unknown_is_not_sent_again(scene: Scene, sign_in: SignIn) -> None:
    mail = mail_of(scene, "partly_shipped")
    with scope.merchant(scene.merchant.id):
        Mail.objects.filter(id=mail.id).update(status="unknown")

    answer = sign_in(scene).post(f"/mails/{mail.id}/resend/", {"reason": "noch einmal"})

    assert answer.status_code == 409
    with scope.merchant(scene.merchant.id):
        assert not Mail.objects.filter(resends_id=mail.id).exists()


def test_the_other_mode_knows_no_such_mail(scene: Scene, sign_in: SignIn) -> None:
    mail = mail_of(scene, "exception")

    assert sign_in(scene).get(f"/test/mails/{mail.id}/").status_code == 404
