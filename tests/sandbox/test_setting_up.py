"""Setting a demo up: what the hub knows of the runs before."""

from entrepot.access import scope
from entrepot.access.models import ApiKey, Merchant
from entrepot.sandbox import setting_up


def test_each_run_knows_how_many_there_were_before_and_ends_the_key_of_the_last(
    merchant: Merchant,
) -> None:
    earlier = []
    for _ in range(3):
        earlier.append(setting_up.earlier_runs(merchant.id))
        setting_up.issue_site_key(merchant.id)

    assert earlier == [0, 1, 2]
    with scope.merchant(merchant.id):
        assert ApiKey.objects.filter(revoked_at=None).count() == 1
