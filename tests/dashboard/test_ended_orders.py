"""What has ended is offered nothing that could not be, and promised nothing that will not come."""

from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene


def test_what_is_cancelled_cannot_be_held(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10471"]

    page = client.get(f"/orders/{order.id}/").content.decode()
    answer = client.post(f"/orders/{order.id}/hold/", {"reason": "wait"})

    assert "Hold …" not in page
    assert "10471 is cancelled: there is nothing to hold." in answer.content.decode()
    assert answer.status_code == 409
    assert scene.order("10471").is_held is False


def test_no_mail_is_announced_about_what_will_not_ship(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)

    pages = [
        client.get(f"/orders/{scene.orders[number].id}/").content.decode()
        for number in ("10471", "10497")
    ]

    hears = ["The customer hears from us when something ships" in page for page in pages]
    assert hears == [False, True]


def test_a_list_that_is_whole_has_no_way_back_to_its_beginning(
    scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(scene)

    whole = client.get("/owed/overdue/").content.decode()
    later = client.get("/owed/overdue/", {"after": "0.000000:0"}).content.decode()

    assert ">First</a>" not in whole
    assert ">First</a>" in later
