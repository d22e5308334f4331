"""Both interfaces against their own descriptions: whatever is sent, each answer is a described one.

schemathesis makes the inputs, right and wrong ones, from the description; here they reach the real
application over WSGI, half of them about things that are there. No answer is a fault of ours, none
has a status, media type or shape that the description lacks, and what was refused changed nothing.
`FUZZ_EXAMPLES` says how many inputs each operation gets, `FUZZ_SEED` which.
"""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from entrepot.api.description import Described
from tests.api.calling import Caller, caller
from tests.dashboard import day
from tests.dashboard import scene as scenes
from tests.dashboard.scene import Scene
from tests.rows import Rows
from tests.strangers.marks import state_of
from tests.strangers.things import things_of

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
SEED = int(os.environ.get("FUZZ_SEED", "20261125"))
WHERE = {Described.V1: "/api/v1/openapi.json", Described.DOCUMENTED: "/api/documented.json"}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
# Counted with each call, whatever its answer.
COUNTED = {"access_api_key", "api_rate_bucket"}
REFUSED = 400


@dataclass
class Fuzzing:
    """Tries operations as one machine; `statuses` are the answers so far of one operation."""

    machine: Caller
    things: Mapping[str, object]
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    statuses: list[int] = field(default_factory=list)

    def try_all(self, operation: Any) -> list[int]:
        """Send an operation its share of right and wrong inputs; returns the statuses."""
        self.statuses = []
        modes = list(schemathesis.GenerationMode)
        for mode in modes:
            quiet = settings(
                max_examples=max(1, EXAMPLES // len(modes)),
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            inputs = operation.as_strategy(generation_mode=mode)
            run: Any = given(case=inputs)(self.try_one)
            run = quiet(run)
            run = seed(SEED)(run)
            run()
        return self.statuses

    def try_one(self, case: Any) -> None:
        """Send one input, and look whether the description knows the answer."""
        if self.dice.random() < 0.5:
            named = dict(case.path_parameters or {})
            known = {name: str(self.things[name]) for name in named if name in self.things}
            case.path_parameters = {**named, **known}
        answer = case.call(headers={"Authorization": f"Bearer {self.machine.token}"})
        self.statuses.append(answer.status_code)
        assert b"Traceback" not in answer.content, case.as_curl_command()
        case.validate_response(answer, checks=CHECKS)


@pytest.fixture
def shop(database: str, rows: Rows) -> Scene:
    """A merchant with a day behind it."""
    return rows.once("a day", lambda: day.a_day(scenes.opened()))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("interface", Described)
def test_every_answer_is_a_described_one(interface: Described, shop: Scene) -> None:
    fuzzing = Fuzzing(machine=caller(shop.merchant), things=things_of(shop))
    schema = schemathesis.openapi.from_wsgi(
        WHERE[interface], get_wsgi_application(), config=SchemathesisConfig.from_dict({})
    )

    tried: dict[str, int] = {}
    before = _state(shop)
    for operation in _operations(schema):
        statuses = fuzzing.try_all(operation)
        tried[operation.label] = len(statuses)
        after = _state(shop)
        if min(statuses, default=0) >= REFUSED:
            assert after == before, f"{operation.label}: refused, and something changed"
        before = after

    assert [label for label, times in tried.items() if not times] == []
    assert len(tried) == {Described.V1: 85, Described.DOCUMENTED: 11}[interface]


def test_a_status_that_is_not_described_is_found(shop: Scene) -> None:
    """Without its refusals in the description the run must fail, or it proves nothing."""
    schema = schemathesis.openapi.from_wsgi(
        WHERE[Described.DOCUMENTED], get_wsgi_application(), config=SchemathesisConfig.from_dict({})
    )
    for item in schema.raw_schema["paths"].values():
        for operation in item.values():
            for status in ("404", "409", "422"):
                operation["responses"].pop(status, None)
    fuzzing = Fuzzing(machine=caller(shop.merchant), things={})
    operations = _operations(schema)

    with pytest.raises(BaseException, match="Undocumented status code"):
        list(map(fuzzing.try_all, operations))


def _operations(schema: Any) -> list[Any]:
    return [found.ok() for found in schema.get_all_operations()]


def _state(shop: Scene) -> dict[str, str]:
    found = state_of(shop.merchant.id)
    return {table: rows for table, rows in found.items() if table not in COUNTED}
