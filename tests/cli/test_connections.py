"""`entrepot connections` and the stops: accounts are added, proved, let live, and stopped."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect import registry
from entrepot.connect.simulator import Clock
from entrepot.connections import queries
from entrepot.connections.models import Connection
from entrepot.tasks.connections import add_first_connections
from tests.cli.shell import run
from tests.serving import serve

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
KEY = "EZTK-simulated"


@pytest.fixture
def carrier() -> Iterator[str]:
    """The address of a simulated platform whose key is `KEY`."""
    with serve(registry.platform("easypost").simulator(Clock(start=START))) as address:
        yield f"{address}/v2"


def added(address: str, *, key: str = KEY) -> str:
    """The code of a connection made as a person makes it."""
    done = run(
        f"connections add easypost --merchant nordlicht --test --name 'Söndag & Co'"
        f" --set api_key=- --set base_url={address} --json",
        given=f"{key}\n",
    )
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["platform"], told["mode"], told["name"]) == ("easypost", "test", "Söndag & Co")
    return str(told["code"])


def listed() -> list[dict[str, object]]:
    told: list[dict[str, object]] = json.loads(
        run("connections list --merchant nordlicht --json").out
    )
    return told


def test_an_account_is_added_proved_and_let_live(merchant: Merchant, carrier: str) -> None:
    code = added(carrier)
    assert [(row["code"], row["status"]) for row in listed()] == [(code, "observing")]

    tested = run(f"connections test {code} --merchant nordlicht --json")
    live = run(f"connections go-live {code} --merchant nordlicht --reason 'Saison' --json")

    assert tested.code == 0, tested.err
    assert json.loads(tested.out)["code"] == code
    assert json.loads(live.out)["status"] == "live"
    assert (
        KEY
        not in tested.out + tested.err + live.out + run("connections list --merchant nordlicht").out
    )


def test_a_key_that_is_refused_is_one_line_and_exit_code_1(
    merchant: Merchant, carrier: str
) -> None:
    done = run(
        f"connections add easypost --merchant nordlicht --test --set api_key=EZTK-wröng"
        f" --set base_url={carrier}"
    )

    assert (done.code, done.out) == (1, "")
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("entrepot: ")
    assert "EZTK-wröng" not in done.err


@pytest.mark.parametrize(
    ("_case", "command", "code", "words"),
    [
        ("a platform", "add pigeon --merchant nordlicht", 1, "no platform 'pigeon'"),
        ("a setting", "add easypost --merchant nordlicht --set colour=red", 1, "colour"),
        ("a value", "add easypost --merchant nordlicht --set api_key", 2, "write NAME=VALUE"),
        ("a connection", "test shop-9 --merchant nordlicht", 1, "no connection 'shop-9'"),
        ("a merchant", "list --merchant südlicht", 1, "no merchant 'südlicht'"),
    ],
)
def test_what_nobody_knows_is_named_in_one_line(
    merchant: Merchant, _case: str, command: str, code: int, words: str
) -> None:
    done = run(f"connections {command}")

    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert len(done.err.splitlines()) == 1
    assert listed() == []


def test_effects_are_stopped_and_let_go_on(merchant: Merchant, carrier: str) -> None:
    code = added(carrier)

    everything = run("pause --merchant nordlicht --test --reason 'Inventur' --json")
    one = run(f"pause {code} --merchant nordlicht --test --reason 'zu teuer'")
    flow = run("pause mails --merchant nordlicht --test --reason 'wrong logo'")
    stopped = _reasons(merchant)
    of_one = run(f"resume {code} --merchant nordlicht --test --json")
    left = _reasons(merchant)
    resumed = run("resume --merchant nordlicht --test --json")

    assert json.loads(everything.out)["what"] == "all"
    assert one.out.startswith(
        f"Paused {code} (test). `entrepot resume {code} --merchant nordlicht --test`"
    )
    assert flow.code == 0, flow.err
    assert stopped == ["Inventur", "zu teuer", "wrong logo"]
    assert len(json.loads(of_one.out)["resumed"]) == 1
    assert left == ["Inventur", "wrong logo"]
    assert len(json.loads(resumed.out)["resumed"]) == 2
    assert _reasons(merchant) == []
    assert run("resume --merchant nordlicht --test").out == "Nothing was paused (test).\n"


def test_a_stop_of_what_does_not_exist_names_what_does(merchant: Merchant, carrier: str) -> None:
    code = added(carrier)

    for command in ("pause parcels --reason x", "resume parcels"):
        done = run(f"{command} --merchant nordlicht --test")

        assert done.code == 1
        assert code in done.err
        assert "submissions, refunds, mails, write_backs" in done.err
    assert _reasons(merchant) == []


def test_the_environment_makes_first_connections_for_the_only_merchant(merchant: Merchant) -> None:
    variables = {"PRODIGI_API_KEY": "key-ä-1", "PRODIGI_ENVIRONMENT": "sandbox"}

    assert [add_first_connections(variables), add_first_connections(variables)] == [1, 0]

    assert [(row["code"], row["mode"], row["status"]) for row in listed()] == [
        ("prodigi", "test", "observing")
    ]


def test_nobody_guesses_whose_an_environment_is(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    assert add_first_connections({"PRODIGI_API_KEY": "key-ä-1"}) == 0

    with scope.system():
        assert Connection.objects.count() == 0


def _reasons(merchant: Merchant) -> list[str]:
    with scope.merchant(merchant.id):
        return [stop.reason for stop in queries.open_pauses(mode="test")]
