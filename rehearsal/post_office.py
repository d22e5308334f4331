"""A mail server on loopback with books: what it took, and how it lied about it."""

import random
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTP


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the office has, by the name that its sender gave it."""

    message_id: str
    recipient: str
    subject: str


@dataclass
class PostOffice:
    """`dials` are chances: `hang_up` takes a mail and cuts the connection, `busy` answers 451."""

    port: int = 0
    seed: int = 0
    dials: dict[str, float] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    _dice: random.Random = field(default_factory=random.Random)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, name: str) -> bool:
        """Draw once for a fault; count it when it strikes."""
        with self._lock:
            does = self._dice.random() < self.dials.get(name, 0.0)
            self.struck[f"mail {name}"] += does
            return does

    def take(self, content: bytes) -> None:
        """Keep a mail in the books."""
        mail = message_from_bytes(content, policy=SMTP)
        with self._lock:
            self.taken.append(
                Taken(str(mail["Message-ID"]).strip("<> "), str(mail["To"]), str(mail["Subject"]))
            )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    office: PostOffice


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            self._say("220 ready")
            for raw in self.rfile:
                if not self._obey(raw.decode("utf-8", "replace").strip()[:4].upper()):
                    return
        except OSError:
            return  # whoever spoke has died

    def _obey(self, verb: str) -> bool:
        """Answer one command; False to hang up."""
        if verb == "DATA":
            return self._receive()
        self._say("221 bye" if verb == "QUIT" else "250 fine")
        return verb != "QUIT"

    def _receive(self) -> bool:
        office = self.server.office
        self._say("354 go on")
        content = self._content()
        if content is None:
            return False
        if office.strikes("busy"):
            self._say("451 come again")
            return True
        office.take(content)
        if office.strikes("hang_up"):
            return False
        self._say("250 taken")
        return True

    def _content(self) -> bytes | None:
        """A mail up to its end; None when its sender was gone before."""
        lines: list[bytes] = []
        for raw in self.rfile:
            if raw == b".\r\n":
                return b"".join(lines)
            lines.append(raw)
        return None

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def post_office(seed: int) -> Iterator[PostOffice]:
    """Serve until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.office = PostOffice(port=server.server_address[1], seed=seed)
        server.office._dice.seed(seed)  # noqa: SLF001 -- its own
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.office
        finally:
            server.shutdown()
            thread.join()
