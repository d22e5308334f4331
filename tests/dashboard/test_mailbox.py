"""The mailbox: mails of the sandbox, shown shut in."""

from email.utils import formataddr

from django.core.mail import EmailMultiAlternatives

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.notifications.mailbox import MailboxBackend
from entrepot.notifications.models import SandboxMail
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of

HOSTILE = "<h1>Hallo Mareike</h1><script>fetch('https://evil.example')</script>"


def kept(
    scene: Scene,
    subject: str,
    *,
    recipient: str = "mareike@seemail.example",
    sender: str = "Seemöwe Prints <moin@seemoewe.example>",
    html: str = HOSTILE,
) -> int:
    """Send a mail into the mailbox."""
    message = EmailMultiAlternatives(
        subject,
        "Zwei Pakete sind unterwegs.",
        sender,
        [recipient],
        headers={
            "X-Entrepot-Merchant": str(scene.merchant.id),
            "Message-ID": f"<{subject}@seemoewe>",
        },
    )
    message.attach_alternative(html, "text/html")
    MailboxBackend().send_messages([message])
    with scope.merchant(scene.merchant.id):
        return SandboxMail.objects.latest("id").id


def test_the_newest_mail_is_shown_beside_the_list(empty_scene: Scene, sign_in: SignIn) -> None:
    kept(empty_scene, "Pöntunin þín er á leiðinni")
    newest = kept(empty_scene, "お届けが完了しました")
    client = sign_in(empty_scene)

    page = page_of(client, "/mailbox/")
    text = page_of(client, f"/mailbox/?mail={newest}&view=text")
    found = page_of(client, "/mailbox/?q=pöntunin")

    assert page.index("お届けが完了しました") < page.index("Pöntunin þín")
    assert f"/mailbox/{newest}/html/" in page
    assert "<script>fetch" not in page
    assert "Zwei Pakete sind unterwegs." in text
    assert "お届け" not in found


def test_a_senders_name_is_shown_as_it_is_written(empty_scene: Scene, sign_in: SignIn) -> None:
    kept(empty_scene, "Zwei Pakete", sender=formataddr(("Seemöwe & Co", "moin@seemoewe.example")))

    page = page_of(sign_in(empty_scene), "/mailbox/")

    assert "<bdi>Seemöwe &amp; Co &lt;moin@seemoewe.example&gt;</bdi>" in page
    assert "utf-8" not in page.partition("<main")[2]


def test_a_mails_html_can_do_nothing(empty_scene: Scene, sign_in: SignIn) -> None:
    mail_id = kept(empty_scene, "Zwei Pakete")

    answer = sign_in(empty_scene).get(f"/mailbox/{mail_id}/html/")

    policy = answer.headers["Content-Security-Policy"]
    assert answer.content.decode() == HOSTILE
    assert "default-src 'none'" in policy
    assert "sandbox" in policy.split("; ")
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_viewer_does_not_guess_an_address_letter_by_letter(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    mail_id = kept(empty_scene, "Zwei Pakete")
    viewer, support = sign_in(empty_scene, Role.VIEWER), sign_in(empty_scene, Role.SUPPORT)

    for guess in ("mareike@", "seemail", "ike@s"):
        assert f"mail={mail_id}" not in page_of(viewer, f"/mailbox/?q={guess}"), guess
    assert f"mail={mail_id}" in page_of(viewer, "/mailbox/?q=pakete")
    assert f"mail={mail_id}" in page_of(support, "/mailbox/?q=ike@s")


def test_a_viewer_does_not_read_what_customers_are_written(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    mail_id = kept(empty_scene, "Zwei Pakete")
    client = sign_in(empty_scene, Role.VIEWER)

    page = page_of(client, "/mailbox/")
    html = client.get(f"/mailbox/{mail_id}/html/").content.decode()

    assert "mareike@" not in page
    assert "Hallo Mareike" not in html
