"""A program says where a parcel is."""

from entrepot.access import scope
from entrepot.fulfillment.models import Parcel
from tests.api.calling import Caller, caller
from tests.dashboard.scene import Scene


def parcel_in(shop: Scene, *statuses: str) -> Parcel:
    with scope.merchant(shop.merchant.id):
        return Parcel.objects.filter(mode="live", status__in=statuses).order_by("id")[0]


def test_a_parcel_is_said_to_be_lost_once_and_found_again(shop_day: Scene, machine: Caller) -> None:
    parcel = parcel_in(shop_day, "in_transit", "delayed", "exception", "out_for_delivery")
    address = f"/api/v1/parcels/{parcel.id}/whereabouts"

    first, again = [
        machine.post(address, {"status": "lost", "reason": "Nachforschung"}) for _ in range(2)
    ]
    found = machine.post(address, {"status": "delivered", "reason": "Nachbar hatte es"})
    not_lost = machine.post(address, {"status": "lost", "reason": "doch weg"})
    nonsense = machine.post(address, {"status": "in_transit", "reason": "?"})

    assert (first.status, first.body["status"], again.body) == (200, "lost", first.body)
    assert first.body["tracking"][-1]["message"] == "Nachforschung"
    assert (found.status, found.body["status"]) == (200, "delivered")
    assert (not_lost.status, nonsense.status) == (409, 422)
    assert "it is delivered" in not_lost.body["detail"]


def test_a_parcel_of_the_other_mode_or_merchant_is_not_there(
    shop_day: Scene, test_machine: Caller, stranger: Caller
) -> None:
    parcel = parcel_in(shop_day, "in_transit", "delayed", "exception", "out_for_delivery")
    address = f"/api/v1/parcels/{parcel.id}/whereabouts"
    asked = {"status": "lost", "reason": "weg"}

    answers = [one.post(address, asked).status for one in (test_machine, stranger)]
    reader = caller(shop_day.merchant, scopes=["orders:read"]).post(address, asked).status

    assert (answers, reader) == ([404, 404], 403)
    with scope.merchant(shop_day.merchant.id):
        assert Parcel.objects.get(id=parcel.id).status == parcel.status
