"""Nothing that a merchant or a customer names leads a call into our own network."""

import socket
from collections.abc import Iterator

import pytest
from django.conf import settings

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.states import LeaseLost
from entrepot.canon.orders import Mode
from entrepot.connect import addresses
from entrepot.connect.errors import Misconfigured, PrivateAddress
from entrepot.connect.simulator import Clock, Request, Response, Simulator
from entrepot.connections import doors, pings, services
from entrepot.connections.models import Connection
from tests.connections.accounts import a_print_house
from tests.serving import serve


class Counter(Simulator):
    """Answers every order with the same one, and counts."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.asked = 0
        self.route("GET", "/v4.0/orders/{id}", self.answer)
        self.route("POST", "/v4.0/orders", self.answer)
        self.route("GET", "/v4.0/orders", self.answer)

    def answer(self, request: Request) -> Response:
        self.asked += 1
        return Response(200, {"id": "ord_1"})


@pytest.fixture
def inside() -> Iterator[tuple[Counter, str]]:
    """Something in our own network that answers whoever asks."""
    counter = Counter()
    with serve(counter) as address:
        yield counter, address


@pytest.fixture
def shut() -> Iterator[None]:
    before, settings.ALLOW_PRIVATE_ADDRESSES = settings.ALLOW_PRIVATE_ADDRESSES, False
    yield
    settings.ALLOW_PRIVATE_ADDRESSES = before


@pytest.fixture
def house(merchant: Merchant, inside: tuple[Counter, str]) -> Connection:
    made = a_print_house(merchant)
    return services.change_settings(
        made.id, merchant_id=merchant.id, settings={"base_url": f"{inside[1]}/v4.0"}
    )


def test_a_write_whose_time_ran_out_while_the_connection_was_made_does_not_leave(
    house: Connection, inside: tuple[Counter, str]
) -> None:
    asked: list[int] = []

    def before_send() -> None:
        asked.append(len(asked))
        if len(asked) == 2:
            raise LeaseLost(8, 3)

    with pytest.raises(LeaseLost):
        doors.door(house.id, before_send=before_send).post("/orders", json={})
    stopped = inside[0].asked
    doors.door(house.id, before_send=before_send).post("/orders", json={})

    assert (stopped, inside[0].asked, len(asked)) == (0, 1, 4)


@pytest.mark.usefixtures("shut")
def test_a_connection_does_not_lead_into_our_own_network(
    house: Connection, inside: tuple[Counter, str]
) -> None:
    http = doors.door(house.id)

    for path in ("/orders/1", f"{inside[1]}/v4.0/orders/1"):
        with pytest.raises(Misconfigured, match="is a private address"):
            http.get(path)
    with pytest.raises(Misconfigured, match="is a private address"):
        http.post("/orders", json={})

    assert inside[0].asked == 0


@pytest.mark.usefixtures("shut")
def test_that_we_may_not_ask_is_no_fault_of_a_connection(
    house: Connection, inside: tuple[Counter, str]
) -> None:
    with pytest.raises(PrivateAddress, match="is a private address"):
        pings.ping_connection(house.id, merchant_id=house.merchant_id)

    with scope.merchant(house.merchant_id):
        assert Connection.objects.get(id=house.id).status == house.status != "misconfigured"
    assert inside[0].asked == 0


@pytest.mark.usefixtures("shut")
def test_a_form_is_not_tested_against_our_own_network(inside: tuple[Counter, str]) -> None:
    wanted: dict[str, object] = {
        "base_url": f"{inside[1]}/v4.0",
        "api_key": "test_01234567",
    }

    with pytest.raises(Misconfigured, match="is a private address"):
        pings.probe("prodigi", mode=Mode.TEST, settings=wanted)

    assert inside[0].asked == 0


def test_where_it_is_allowed_it_does(house: Connection, inside: tuple[Counter, str]) -> None:
    assert doors.door(house.id).get("/orders/1").json() == {"id": "ord_1"}
    assert inside[0].asked == 1


def test_a_name_that_leads_elsewhere_meanwhile_is_not_followed() -> None:
    """What a name meant when it was looked up says nothing about where a connection ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = Stream(socket.create_connection(server.getsockname()))

        with pytest.raises(Misconfigured, match="is a private address"):
            addresses.refuse_private("connection.connect_tcp.complete", {"return_value": stream})

        assert stream.connected.fileno() == -1


class Stream:
    """A connection as httpcore hands it out."""

    def __init__(self, connected: socket.socket) -> None:
        self.connected = connected

    def get_extra_info(self, name: str) -> object:
        return self.connected.getpeername() if name == "server_addr" else None

    def close(self) -> None:
        self.connected.close()


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("64:ff9b::5db8:d822", True),
        ("127.0.0.1", False),
        ("10.0.0.8", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2002:a00:8::1", False),
    ],
)
def test_an_address_is_public_or_not_however_it_is_written(address: str, is_public: bool) -> None:
    assert addresses.is_public(address) == is_public
