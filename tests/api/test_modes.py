"""A test key walks every operation of a merchant and finds nothing live; and what one scope opens.

That another merchant's key finds nothing at all is shown in tests/strangers.
"""

import pytest

from entrepot.access.permissions import SCOPES
from tests.api.calling import Caller, caller
from tests.api.walking import PARAMETER, filled, operations
from tests.dashboard.scene import Scene
from tests.strangers.marks import state_of, told
from tests.strangers.things import things_of

# The catalogue and given-up work belong to the merchant, whatever the mode; so do alerts.
OF_BOTH_MODES = {
    "list_mappings", "export_mappings", "get_mapping", "put_mapping", "import_mappings",
    "list_shipping_maps", "put_shipping_map", "list_letters", "replay_letters", "discard_letters",
    "list_alerts", "acknowledge_alert", "list_platforms", "get_health",
}  # fmt: skip
# What a test key makes is its merchant's own, in test mode.
MAKES = {"create_order", "add_connection", "pause_effects", "open_checkout"}
# Words of live things only.
MARKS = ("10482", "mareike", "Mareike", "Leuchtturm", "seemoewe_walk", "Inventur", "grüßt")


@pytest.fixture
def things(shop_day: Scene) -> dict[str, object]:
    """One of everything that a path can name, all of it live."""
    made = things_of(shop_day)
    return {**made, "key": f"id:{made['order_id']}"}


def test_the_owner_finds_each_of_these_things(machine: Caller, things: dict[str, object]) -> None:
    for operation in (one for one in operations() if one.is_reading):
        answer = machine.get(filled(operation.path, things))
        missing_body = operation.name == "get_body"  # the scene's message was never sealed
        assert answer.status == 200 or missing_body, (operation.name, answer.text)


def test_a_test_key_finds_nothing_live_and_changes_nothing(
    test_machine: Caller, shop_day: Scene, things: dict[str, object]
) -> None:
    before = state_of(shop_day.merchant.id)

    for operation in operations():
        if operation.name in OF_BOTH_MODES | MAKES:
            continue
        where = filled(operation.path, things)
        answer = test_machine.send(operation.method, where, operation.body)
        if PARAMETER.search(operation.path):
            assert answer.status in {404, 409, 422}, (operation.name, answer.text)
        assert told(answer.text, MARKS, asked=where) == [], operation.name
    replayed = test_machine.post(
        "/api/v1/inbox/replay", {"ids": [things["message_id"]], "reason": "fremd"}
    )

    assert (replayed.status, replayed.body) == (200, {"changed": 0})
    after = state_of(shop_day.merchant.id)
    touched = {table for table in before if before[table] != after[table]}
    assert touched <= {"access_api_key", "api_rate_bucket"}  # the key's own use is counted


def test_a_key_of_one_scope_reads_what_that_scope_is_for(shop_day: Scene) -> None:
    for scope_name in sorted(SCOPES):
        holder = caller(shop_day.merchant, scopes=[scope_name])
        for operation in operations():
            if operation.is_reading and operation.scope == scope_name:
                answer = holder.get(filled(operation.path))
                assert answer.status in {200, 404} or answer.body.get("scope") == (
                    "personal_data:read"
                ), (scope_name, operation.name, answer.text)
