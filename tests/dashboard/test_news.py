"""Notifications of operators: the bell's number, the list, and what reading does."""

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.customers.models import Customer
from entrepot.notifications import news
from entrepot.notifications.models import Notification
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def told(scene: Scene, title: str, *, mode: str = "live", customer_id: int | None = None) -> int:
    with scope.merchant(scene.merchant.id):
        news.tell(
            [
                news.NewNotification(
                    merchant_id=scene.merchant.id,
                    mode=mode,
                    kind="alert",
                    fact=f"alert:{title}",
                    title=title,
                    message="Zuletzt gehört um 13:45.",
                    link="/attention/",
                    customer_id=customer_id,
                )
            ]
        )
        return Notification.objects.latest("id").id


def test_the_bell_counts_what_operators_have_not_read(empty_scene: Scene, sign_in: SignIn) -> None:
    told(empty_scene, "EasyPost ist still")
    told(empty_scene, "3 Aufträge sind überfällig")
    told(empty_scene, "nur im Test", mode="test")
    with scope.merchant(empty_scene.merchant.id):
        customer = Customer.objects.create(
            merchant_id=empty_scene.merchant.id, identity="email:x", name="Zoë Ryś"
        )
    told(empty_scene, "für eine Kundin", customer_id=customer.id)

    live, test = (page_of(sign_in(empty_scene), path) for path in ("/", "/test/"))

    assert 'aria-label="Notifications, 2 unread"' in live
    assert 'aria-label="Notifications, 1 unread"' in test


def test_reading_one_is_reading_it_for_all(empty_scene: Scene, sign_in: SignIn) -> None:
    first = told(empty_scene, "EasyPost ist still")
    told(empty_scene, "3 Aufträge sind überfällig")
    client = sign_in(empty_scene)

    client.post("/notifications/mark/", {"news": first})

    support = page_of(sign_in(empty_scene, Role.SUPPORT), "/notifications/?show=unread")
    assert 'aria-label="Notifications, 1 unread"' in support
    assert "3 Aufträge sind überfällig" in support
    assert "EasyPost ist still" not in support
    assert "EasyPost ist still" in page_of(client, "/notifications/")


def test_all_are_read_at_once_and_taken_off_one_by_one(empty_scene: Scene, sign_in: SignIn) -> None:
    first = told(empty_scene, "EasyPost ist still")
    told(empty_scene, "3 Aufträge sind überfällig")
    in_test = told(empty_scene, "nur im Test", mode="test")
    client = sign_in(empty_scene)

    client.post("/notifications/mark/")
    client.post("/notifications/mark/", {"news": first, "do": "remove"})

    page = page_of(client, "/notifications/")
    assert "EasyPost ist still" not in page
    assert "3 Aufträge sind überfällig" in page
    with scope.merchant(empty_scene.merchant.id):
        assert list(Notification.objects.filter(read_at=None).values_list("id", flat=True)) == [
            in_test
        ]


def test_a_viewer_reads_and_marks_nothing(empty_scene: Scene, sign_in: SignIn) -> None:
    first = told(empty_scene, "EasyPost ist still")
    viewer = sign_in(empty_scene, Role.VIEWER)

    page = page_of(viewer, "/notifications/")
    answer = viewer.post("/notifications/mark/", {"news": first})

    assert "Mark as read" not in page
    assert answer.status_code == 403
    with scope.merchant(empty_scene.merchant.id):
        assert Notification.objects.get(id=first).read_at is None
