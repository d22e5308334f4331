"""Pages and REST lists at 1,000,000 orders beside the same at 100,000, over HTTP."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from benchmarks import addresses
from benchmarks.frame import Figure, benchmark, percentile
from benchmarks.history import PASSWORD, History, filled_hub

MOST_MS = 100
MOST_RATIO = 1.3
WARM_UP = 2


@benchmark(title="Pages", order=50)
def pages(*, orders: int = 1_000_000, beside: int = 100_000, samples: int = 40) -> Iterator[Figure]:
    """Pages of the largest of five merchants (70 % of the orders), p95, one reader at a time.

    The real application over HTTP: `entrepot web`, signed in. The baseline is the same page of a
    hub with a tenth of the orders, asked in turns. The business is the same in both, a thousand
    orders a day: only the past is longer.
    """
    yield from _measured("pages", orders, beside, samples)


@benchmark(title="Search", order=51)
def search(
    *, orders: int = 1_000_000, beside: int = 100_000, samples: int = 40
) -> Iterator[Figure]:
    """One box for every identifier: from the question to the address that it leads to, p95."""
    yield from _measured("searches", orders, beside, samples)


@benchmark(title="Filters of the orders list", order=52)
def filters(
    *, orders: int = 1_000_000, beside: int = 100_000, samples: int = 10
) -> Iterator[Figure]:
    """Each filter with common, rare and unknown values: the slowest value of each filter, p95."""
    slowest: dict[str, Figure] = {}
    for figure in _measured("filters", orders, beside, samples):
        name = figure.name.partition(": ")[0]
        if name not in slowest or slowest[name].value < figure.value:
            slowest[name] = figure
        print(f"{figure.name}: {figure.value} ms, {figure.baseline} ms", file=sys.stderr)
    yield from slowest.values()


@benchmark(title="REST interface", order=53)
def rest(*, orders: int = 1_000_000, beside: int = 100_000, samples: int = 15) -> Iterator[Figure]:
    """Lists of the REST interface and one order, p95, with an API key."""
    yield from _measured("rest", orders, beside, samples)


def _measured(which: str, orders: int, beside: int, samples: int) -> Iterator[Figure]:
    with _reader(which, beside, samples) as small, _reader(which, orders, samples) as large:
        for name in large.asked:
            took: dict[Reader, list[float]] = {small: [], large: []}
            for number in range(WARM_UP + samples):
                for reader, found in took.items():
                    milliseconds = reader.ask(name)
                    if number >= WARM_UP:
                        found.append(milliseconds)
            p95 = {reader: percentile(sorted(found), 0.95) for reader, found in took.items()}
            yield Figure(
                name=name,
                value=round(p95[large], 1),
                unit="ms",
                n=samples,
                baseline=round(p95[small], 1),
                against=f"{beside:,} orders",
                at_most=MOST_MS,
                ratio_at_most=MOST_RATIO,
            )


class Reader:
    """Somebody who reads the pages of one filled hub."""

    def __init__(self, port: int, headers: dict[str, str], asked: dict[str, list[str]]) -> None:
        self.asked = asked
        self._headers = headers
        self._next = dict.fromkeys(asked, 0)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, name: str) -> float:
        """Ask for the next address of a name; the milliseconds until its last byte."""
        paths = self.asked[name]
        path = paths[self._next[name] % len(paths)]
        self._next[name] += 1
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        took = (time.perf_counter() - began) * 1000
        is_answered = answer.status == http.HTTPStatus.OK or (
            answer.status == http.HTTPStatus.FOUND and path.startswith("/search/")
        )
        if not is_answered:
            raise RuntimeError(f"{path}: {answer.status}")
        return took


@contextmanager
def _reader(which: str, orders: int, samples: int) -> Iterator[Reader]:
    """A hub of that size with its web process, in processes of their own."""
    command = [sys.executable, "-m", "benchmarks.pages", which, str(orders), str(samples)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Reader(**json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(60)


def _serve(which: str, orders: int, samples: int) -> None:
    """Serve a filled hub until standard input closes; tell on one line how to read it."""
    from entrepot.access import scope  # noqa: PLC0415 -- the environment is not set before

    with filled_hub(orders) as (_, history), socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "entrepot", "web", "--descriptor", str(listener.fileno())]
        web = subprocess.Popen(command, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)
        try:
            with scope.merchant(history.merchant_ids[0]):
                asked = _asked(which, history, samples)
            port = listener.getsockname()[1]
            headers = (
                {"Authorization": f"Bearer {history.api_key}"}
                if which == "rest"
                else _signed_in(port, history.email)
            )
            print(json.dumps({"port": port, "headers": headers, "asked": asked}), flush=True)
            sys.stdin.read()
        finally:
            web.terminate()
            web.wait(30)


def _asked(which: str, history: History, samples: int) -> dict[str, list[str]]:
    match which:
        case "pages":
            return addresses.pages(history, samples=samples)
        case "searches":
            return addresses.searches(history, samples=samples)
        case "filters":
            return addresses.filters(samples=samples)
        case _:
            return addresses.rest(history, samples=samples)


def _signed_in(port: int, email: str) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/sign-in/")
    answer = connection.getresponse()
    answer.read()
    token = SimpleCookie(answer.headers["Set-Cookie"])["csrftoken"].value
    form = {"email": email, "password": PASSWORD, "csrfmiddlewaretoken": token}
    connection.request(
        "POST",
        "/sign-in/",
        urlencode(form),
        {"Cookie": f"csrftoken={token}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    answer = connection.getresponse()
    answer.read()
    cookies = SimpleCookie(" ;".join(answer.headers.get_all("Set-Cookie") or []))
    return {"Cookie": f"sessionid={cookies['sessionid'].value}"}


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
