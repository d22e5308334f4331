"""The print house: time, callbacks, obstacles, and its wire against the vendor's own documents."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from entrepot.canon.fulfillment import IssueKind, ProviderStage, ShipmentState
from entrepot.canon.messages import Flow
from entrepot.canon.orders import Mode
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, InboundMessage
from entrepot.connect.reading import Node
from entrepot.connect.simulator import Clock, Request, Response
from entrepot.connectors.prodigi import mapping, webhook
from entrepot.connectors.prodigi.client import Client, base_url
from entrepot.connectors.prodigi.simulator import (
    ProdigiSimulator,
    example_account,
    example_request,
)
from tests.serving import serve
from tests.specs import require

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CALLBACK = "https://hub.example/hooks/7/t0k3n"


def submit(client: Client, reference: str, **changes: Any) -> str:
    return client.submit(replace(example_request(reference), **changes)).external_id


def events_of(simulator: ProdigiSimulator) -> list[dict[str, Any]]:
    simulator.tick()
    return [json.loads(delivery.body) for delivery in simulator.due_deliveries()]


def test_a_life_calls_back_when_the_stage_changes_and_when_a_shipment_leaves(
    client: Client, simulator: ProdigiSimulator
) -> None:
    order_id = submit(client, "E-1-1-1", callback_url=CALLBACK)
    simulator.clock.advance(3 * HOUR)

    events = events_of(simulator)

    assert [event["type"].removeprefix("com.prodigi.order.") for event in events] == [
        "status.stage.changed#InProgress",
        "status.details.downloadAssets.changed#Complete",
        "shipments.shipment#Complete",
        "shipments.shipment#Complete",
        "status.stage.changed#Complete",
    ]
    assert {event["subject"] for event in events} == {order_id}
    assert len({event["id"] for event in events}) == 5
    assert {"order" in event["data"] for event in events} == {True, False}  # both nestings
    assert events[-2]["time"] == events[-1]["time"]  # the last shipment and the end, together


def test_every_callback_is_understood_as_a_hint(
    client: Client, simulator: ProdigiSimulator, account: Account
) -> None:
    simulator.callback_url = CALLBACK  # the account's own, when an order names none
    order_id = submit(client, "E-1-1-1")
    simulator.clock.advance(3 * HOUR)
    simulator.tick()

    for delivery in simulator.due_deliveries():
        message = InboundMessage(
            source="webhook", topic="", body=delivery.body, received_at=simulator.clock.now()
        )
        [hint] = webhook.normalize(message, account)
        assert (hint.flow, hint.external_id) == (Flow.FULFILLMENTS, order_id)  # type: ignore[union-attr]


def test_two_houses_with_one_seed_hand_out_the_same_tracking_numbers() -> None:
    numbers = []
    for seed in (3, 3, 4):
        house = ProdigiSimulator(Clock(start=datetime(2026, 11, 20, tzinfo=UTC)))
        house.faults.reseed(seed)
        with serve(house) as address:
            account = example_account(address)
            submit(Client(Http(base_url(account)), account), "E-1-1-1")
        house.clock.advance(3 * HOUR)
        house.tick()
        numbers.append(sorted(house.books["tracking"]))

    assert len(numbers[0]) == 2
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_missing_file_is_tried_ten_times_and_can_be_mended(
    client: Client, simulator: ProdigiSimulator
) -> None:
    simulator.can_download = lambda url: not url.endswith("b.png")
    order_id = submit(client, "E-1-1-1")

    def issues() -> list[tuple[IssueKind, str]]:
        order = client.read(order_id)
        assert order is not None
        return [(issue.kind, issue.item_reference) for issue in order.issues]

    assert issues() == []
    simulator.clock.advance(3 * MINUTE)
    assert issues() == [(IssueKind.ASSET_RETRYING, "E-1-1-1-2")]
    simulator.clock.advance(3 * HOUR)
    assert issues() == [(IssueKind.ASSET_FAILED, "E-1-1-1-2")]
    simulator.mend_assets(order_id)
    simulator.clock.advance(3 * HOUR)
    assert issues() == []
    assert client.read(order_id).stage is ProviderStage.COMPLETE  # type: ignore[union-attr]


def test_an_item_that_runs_out_stops_the_order_until_it_is_there_again(
    client: Client, simulator: ProdigiSimulator
) -> None:
    simulator.make_unavailable("global-fap-16x24")

    order = client.submit(example_request("E-1-1-1"))
    simulator.clock.advance(3 * HOUR)

    assert [issue.kind for issue in order.issues] == [IssueKind.ITEM_UNAVAILABLE]
    assert client.read(order.external_id).shipments == ()  # type: ignore[union-attr]
    simulator.restock("GLOBAL-FAP-16X24")
    simulator.finish(order.external_id)
    assert client.read(order.external_id).stage is ProviderStage.COMPLETE  # type: ignore[union-attr]


def test_a_lab_that_drops_its_shipment_leaves_the_other_to_go_on(
    client: Client, simulator: ProdigiSimulator
) -> None:
    order_id = submit(client, "E-1-1-1")
    simulator.clock.advance(4 * MINUTE)
    simulator.tick()

    simulator.cancel_at_lab(order_id, 0)
    simulator.clock.advance(3 * HOUR)

    order = client.read(order_id)
    assert order is not None
    assert order.stage is ProviderStage.COMPLETE
    assert [each.state for each in order.shipments] == [
        ShipmentState.CANCELLED,
        ShipmentState.SHIPPED,
    ]


def test_goods_whose_label_is_void_leave_again_with_another(
    client: Client, simulator: ProdigiSimulator
) -> None:
    order_id = submit(client, "E-1-1-1")
    simulator.clock.advance(3 * HOUR)
    simulator.tick()
    before = client.read(order_id)

    simulator.void_label(order_id, 0)
    reopened = client.read(order_id)
    simulator.clock.advance(3 * HOUR)
    after = client.read(order_id)

    assert before is not None
    assert reopened is not None
    assert after is not None
    assert (before.stage, reopened.stage, after.stage) == (
        ProviderStage.COMPLETE,
        ProviderStage.IN_PRODUCTION,
        ProviderStage.COMPLETE,
    )
    states = [[each.state for each in told.shipments] for told in (reopened, after)]
    rest = [ShipmentState.SHIPPED] * (len(before.shipments) - 1)
    assert states == [
        [ShipmentState.CANCELLED, *rest, ShipmentState.PROCESSING],
        [ShipmentState.CANCELLED, *rest, ShipmentState.SHIPPED],
    ]
    assert after.shipments[-1].items == before.shipments[0].items
    assert after.shipments[-1].tracking_number != before.shipments[0].tracking_number
    assert [each.items for each in after.shipments[:1]] == [()]
    assert after.issues == ()


def test_a_pull_brings_new_open_and_finished_orders_and_each_version_once(
    client: Client, simulator: ProdigiSimulator
) -> None:
    ids = [submit(client, f"E-{number}-1-1") for number in range(5)]
    since = simulator.clock.now() - HOUR

    first, cursor = run_of(client, cursor="", since=since)
    assert {read_id(body) for body in first} == set(ids)

    simulator.finish(ids[0])
    client.cancel(ids[1])
    late = submit(client, "E-9-1-1")
    simulator.clock.advance(
        40 * timedelta(days=1)
    )  # the last ones leave, long after they were made
    newer = submit(client, "E-10-1-1")

    second, cursor = run_of(client, cursor=cursor, since=simulator.clock.now() - MINUTE)
    stages = {
        order.external_id: order.stage for order in (mapping.to_provider_order(b) for b in second)
    }
    assert stages == {
        **dict.fromkeys(ids, ProviderStage.COMPLETE),
        ids[1]: ProviderStage.CANCELLED,
        newer: ProviderStage.IN_PRODUCTION,
    }
    assert late not in stages  # made and finished between two runs, outside the second one's window

    third, _ = run_of(client, cursor=cursor, since=simulator.clock.now())
    assert {read_id(body) for body in third} == {newer}


def run_of(client: Client, *, cursor: str, since: datetime) -> tuple[list[Node], str]:
    """All bodies of one run, at two orders a page, and the cursor for the next."""
    bodies: dict[str, Node] = {}
    for _ in range(50):
        page = client.pull(Flow.FULFILLMENTS, cursor=cursor, since=since, limit=2)
        cursor = page.cursor
        bodies |= {item.dedupe_key: Node(json.loads(item.body), "") for item in page.items}
        if page.is_last:
            assert page.read_until is not None
            return list(bodies.values()), cursor
    raise AssertionError("the run does not end")


def read_id(body: Node) -> str:
    return body["id"].text()


def test_what_is_fetched_reads_like_what_is_pulled(
    client: Client, account: Account, simulator: ProdigiSimulator
) -> None:
    order_id = submit(client, "E-1-1-1")

    item = client.fetch(Flow.FULFILLMENTS, order_id)

    assert item is not None
    message = InboundMessage(
        source="poll", topic=item.topic, body=item.body, received_at=simulator.clock.now()
    )
    assert webhook.normalize(message, account) == (client.read(order_id),)


# Against the vendor's own documents


class Recorded(ProdigiSimulator):
    """Keeps what went over the wire."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.exchanges: list[tuple[Request, Response]] = []

    def handle(self, request: Request) -> Response | None:
        answer = super().handle(request)
        assert answer is not None
        self.exchanges.append((request, answer))
        return answer


@pytest.fixture
def recorded() -> Iterator[tuple[Client, Recorded]]:
    house = Recorded(Clock(start=datetime(2026, 11, 20, tzinfo=UTC)))
    with serve(house) as address:
        account = example_account(address)
        yield Client(Http(base_url(account)), account), house


def test_requests_and_answers_are_valid_by_the_specification(
    recorded: tuple[Client, Recorded],
) -> None:
    specification = yaml.safe_load(
        require("openapi/prodigi/prodigi-v4.unofficial.yaml").read_text()
    )
    client, house = recorded
    request = example_request("E-1-1-1")
    client.quote(request, currency="EUR")
    order_id = client.submit(request).external_id
    client.find(request)
    client.change_recipient(order_id, recipient=request.recipient, email=request.email)
    client.change_shipping(order_id, shipping_method="Express")
    house.clock.advance(14 * MINUTE)
    client.cancel(order_id)
    house.clock.advance(3 * HOUR)
    client.read(order_id)

    for asked, answer in house.exchanges:
        operation = operation_of(specification, asked)
        body = operation.get("requestBody")
        if body:
            check(specification, body["content"]["application/json"]["schema"], asked.json())
        schema = operation["responses"][str(answer.status)]["content"]["application/json"]["schema"]
        check(specification, schema, json.loads(answer.content()))
    assert len({asked.path for asked, _ in house.exchanges}) == 6


def operation_of(specification: dict[str, Any], request: Request) -> dict[str, Any]:
    parts = request.path.removeprefix("/v4.0").split("/")
    for template, operations in specification["paths"].items():
        wanted = template.split("/")
        if len(wanted) == len(parts) and all(
            want.startswith("{") or want == part for want, part in zip(wanted, parts, strict=True)
        ):
            return operations[request.method.lower()]  # type: ignore[no-any-return]
    raise AssertionError(f"{request.method} {request.path} is not in the specification")


def check(specification: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Validate without nulls: the vendor's own examples have them where no schema says so."""
    jsonschema.Draft202012Validator(
        {**schema, "components": specification["components"]},
        format_checker=jsonschema.FormatChecker(),
    ).validate(without_nulls(value))


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def examples() -> list[tuple[str, dict[str, Any]]]:
    """The vendor's example answers that are whole JSON."""
    collection = json.loads(
        require("openapi/prodigi/prodigi-v4.postman_collection.json").read_text()
    )
    found = []
    for folder in collection["item"]:
        for call in folder["item"]:
            for answer in call.get("response", ()):
                try:
                    found.append((call["name"], json.loads(answer["body"])))
                except (json.JSONDecodeError, TypeError):
                    continue  # abridged by hand in the collection
    return found


def test_the_vendors_own_example_answers_are_understood() -> None:
    account = Account(mode=Mode.TEST, settings={})
    orders = [
        order
        for _, body in examples()
        for order in [*body.get("orders", []), *([body["order"]] if "order" in body else [])]
    ]
    quotes = [body for _, body in examples() if "quotes" in body]

    for order in orders:
        message = InboundMessage(
            source="poll",
            topic="fulfillments",
            body=json.dumps(order).encode(),
            received_at=datetime(2026, 11, 20, tzinfo=UTC),
        )
        [read] = webhook.normalize(message, account)
        assert read.stage is not ProviderStage.UNKNOWN  # type: ignore[union-attr]
        assert read.fingerprint  # type: ignore[union-attr]
    assert len(orders) >= 5
    for body in quotes:
        assert all(quote.total.currency == "GBP" for quote in mapping.from_quotes(Node(body, "")))
    assert quotes


def test_the_simulator_answers_with_every_field_of_the_vendors_examples(
    recorded: tuple[Client, Recorded],
) -> None:
    client, house = recorded
    client.submit(example_request("E-1-1-1"))
    house.clock.advance(3 * HOUR)
    order_id = next(iter(house.orders))
    client.read(order_id)
    ours = json.loads(house.exchanges[-1][1].content())
    theirs = next(body for name, body in examples() if name == "GET Order by ID")

    missing = fields_of(theirs) - fields_of(ours)

    assert missing == set()


def fields_of(value: Any, path: str = "") -> set[str]:
    """Every path in a JSON value; free-form parts and lists' positions do not count."""
    if isinstance(value, list):
        return set().union(*(fields_of(each, path) for each in value))
    if not isinstance(value, dict) or path.endswith(("attributes", "metadata")):
        return set()
    return set(value_paths(value, path)).union(
        *(fields_of(each, f"{path}.{key}") for key, each in value.items())
    )


def value_paths(value: dict[str, Any], path: str) -> list[str]:
    return [f"{path}.{key}" for key in value]
