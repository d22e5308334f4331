"""One hub per data folder: the lock, and where the one that runs can be reached."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a running hub is: its supervisor's process id and its addresses.

    `allows_private`: whether it calls addresses of our own network.
    """

    pid: int
    address: str
    sandbox: str = ""
    allows_private: bool = False

    def settings(self) -> dict[str, str]:
        """What a command beside the hub needs to act as the hub does, as environment variables."""
        found = {"ENTREPOT_URL": self.address}
        if self.sandbox:
            found |= {"ENTREPOT_SANDBOX": "1", "ENTREPOT_SANDBOX_URL": self.sandbox}
        if self.allows_private:
            found["ENTREPOT_ALLOW_PRIVATE_ADDRESSES"] = "1"
        return found


class RunningHub:
    """The hub that runs on a data folder, if one does.

    The lock is the operating system's, on an open file: it ends with the process however that
    dies. The file's content tells a second start where the first one is, and outlives a hub that
    was killed.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "hub.lock"
        self._descriptor: int | None = None

    def claim(self) -> bool:
        """Become the one hub of this folder; False when another process is."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def is_running(self) -> bool:
        """Whether some process holds the folder."""
        if self._descriptor is not None:
            return True
        if not self._file.is_file() or not self.claim():
            return self._file.is_file()
        self._let_go()
        return False

    def announce(self, whereabouts: Whereabouts) -> None:
        """Say where this hub is; only after a claim."""
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(asdict(whereabouts)).encode(), 0)

    def whereabouts(self) -> Whereabouts | None:
        """What the last hub announced; None when it never did or ended in order."""
        try:
            return Whereabouts(**json.loads(self._file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def release(self) -> None:
        """End in order."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            self._let_go()

    def _let_go(self) -> None:
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None
