"""How webhooks leave the sandbox: over connections that are kept, and each once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from entrepot.connect.lines import BROKEN, Lines, Reply

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nEntrepot-Message: 17\r\n\r\n{}"
CHUNKED = (
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'4\r\n{"st\r\n6\r\natus":\r\n9\r\n"stored"}\r\n0\r\n\r\n'
)
LAST = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Receiver:
    """Answers each request with the next of its answers; after None it hangs up instead."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self.answers:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self.heard.append(head + await reader.readexactly(length))
            answer = self.answers.pop(0)
            if answer is None:
                break
            for start in range(0, len(answer), 20):  # in pieces, as networks do
                writer.write(answer[start : start + 20])
                await writer.drain()
        writer.close()


def talk(receiver: Receiver, conversation: Callable[[Lines, str], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        lines = Lines()
        async with server, asyncio.timeout(10):
            port = server.sockets[0].getsockname()[1]
            await conversation(lines, f"http://127.0.0.1:{port}")
            lines.close()

    asyncio.run(run())


def test_a_connection_is_kept_for_the_next_delivery() -> None:
    receiver = Receiver(PLAIN, CHUNKED)
    replies: list[Reply] = []

    async def conversation(lines: Lines, address: str) -> None:
        url = f"{address}/hooks/möwe?a=1"
        replies.append(await lines.post(url, b"first", headers={"X-Signature": "ab"}))
        replies.append(await lines.post(address, b"second", headers={}))

    talk(receiver, conversation)

    assert receiver.connections == 1
    first, second = receiver.heard
    assert first.startswith(b"POST /hooks/m%C3%B6we?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert first.endswith(b"\r\nX-Signature: ab\r\n\r\nfirst")
    assert second.startswith(b"POST / HTTP/1.1\r\n")
    assert [(r.status, r.is_success) for r in replies] == [(200, True), (202, True)]
    assert replies[0].headers["entrepot-message"] == "17"
    assert (replies[0].json(), replies[1].json()) == ({}, {"status": "stored"})


def test_a_receiver_that_hung_up_in_between_is_called_again() -> None:
    receiver = Receiver(LAST, PLAIN, PLAIN)
    statuses: list[int] = []

    async def conversation(lines: Lines, address: str) -> None:
        statuses.extend([(await lines.post(address, b"", headers={})).status for _ in range(3)])

    talk(receiver, conversation)

    assert statuses == [503, 200, 200]
    assert receiver.connections == 2


@pytest.mark.parametrize("answer", [None, PLAIN[:50], b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_what_breaks_off_is_no_answer_and_is_not_sent_again(answer: bytes | None) -> None:
    receiver = Receiver(answer)

    async def conversation(lines: Lines, address: str) -> None:
        with pytest.raises(BROKEN):
            await lines.post(address, b"once", headers={})

    talk(receiver, conversation)

    assert len(receiver.heard) == 1


def test_nobody_there_is_no_answer() -> None:
    async def run() -> None:
        server = await asyncio.start_server(Receiver().serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        with pytest.raises(BROKEN):
            await Lines().post(f"http://127.0.0.1:{port}/hooks/x", b"", headers={})

    asyncio.run(run())
