"""The supervisor restarts what dies, and ends what runs."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from entrepot.cli.supervisor import Child, Supervisor
from tests.cli.waiting import wait_for

PATIENT = """
import signal, sys
from pathlib import Path
def end(*_):
    Path(sys.argv[1]).write_text("drained")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
Path(sys.argv[1]).write_text("ready")
sys.stdin.buffer.read(1) == b"\\n" and Path(sys.argv[1]).write_text("begun")
sys.stdin.buffer.read()
Path(sys.argv[1]).write_text("orphaned")
"""

CALLED = """
import signal, socket, sys
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = socket.create_server(("127.0.0.1", 0))
Path(sys.argv[1]).write_text(str(server.getsockname()[1]))
while True:
    with server.accept()[0] as caller:
        caller.sendall(b"here")
"""

CALLER = """
import signal, socket, sys
from pathlib import Path
state, callee, heard = map(Path, sys.argv[1:])
def end(*_):
    try:
        with socket.create_connection(("127.0.0.1", int(callee.read_text()))) as other:
            heard.write_bytes(other.recv(4))
    except OSError as error:
        heard.write_text(repr(error))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
state.write_text("ready")
sys.stdin.buffer.read()
"""

SUPERVISE = f"""
import sys, threading
from entrepot.cli.supervisor import Child, Supervisor
child = Child(name="patient", command=[sys.executable, "-c", {PATIENT!r}, sys.argv[1]])
Supervisor([child], environment={{}}, report=print).run(threading.Event())
"""


def test_a_child_that_dies_is_started_again_and_its_death_is_told(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    child = _child(f"open({str(log)!r}, 'a').write('x'); raise SystemExit(3)")
    told: list[str] = []

    _supervise([child], until=lambda: len(told) == 3, told=told)

    assert log.read_text().startswith("xxx")
    assert told == [
        "child ended (exit code 3), starting it again in 0.1 s",
        "child ended (exit code 3), starting it again in 0.5 s",
        "child ended (exit code 3), starting it again in 1 s",
    ]


def test_the_death_by_a_signal_is_told_by_its_name(tmp_path: Path) -> None:
    told: list[str] = []

    _supervise(
        [_child("import os; os.kill(os.getpid(), 9)")], until=lambda: len(told) == 1, told=told
    )

    assert told == ["child ended (SIGKILL), starting it again in 0.1 s"]


def test_children_are_asked_to_end_and_waited_for(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    children = [_patient(first), _patient(second)]
    told: list[str] = []

    _supervise(
        children,
        until=lambda: _text(first) == "begun" and _text(second) == "begun",
        told=told,
    )

    assert (_text(first), _text(second)) == ("drained", "drained")
    assert told == []
    assert [child.process for child in children] == [None, None]


def test_what_others_call_while_they_drain_ends_after_them(tmp_path: Path) -> None:
    state, callee, heard = tmp_path / "state", tmp_path / "callee", tmp_path / "heard"
    called = [sys.executable, "-c", CALLED, str(callee)]
    caller = [sys.executable, "-c", CALLER, str(state), str(callee), str(heard)]

    _supervise(
        [
            Child(name="called", command=called, ends_last=True),
            Child(name="caller", command=caller),
        ],
        until=lambda: _text(state) == "ready" and _text(callee).isdigit(),
        told=[],
    )

    assert _text(heard) == "here"


def test_children_load_and_begin_when_all_is_ready_also_those_that_were_started_again(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    children = [_patient(first), _patient(second)]
    stop = threading.Event()
    supervisor = Supervisor(children, environment={}, report=print, may_begin=False)
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    try:
        wait_for(lambda: (_text(first), _text(second)) == ("ready", "ready"))

        supervisor.let_begin()

        wait_for(lambda: (_text(first), _text(second)) == ("begun", "begun"))
        assert children[0].process is not None
        first.unlink()
        children[0].process.kill()
        wait_for(lambda: _text(first) == "begun")
    finally:
        stop.set()
        thread.join()


def test_a_child_learns_that_its_supervisor_was_killed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISE, str(state)])
    wait_for(lambda: _text(state) == "begun")

    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()

    wait_for(lambda: _text(state) == "orphaned")


def _child(program: str) -> Child:
    return Child(name="child", command=[sys.executable, "-c", program])


def _patient(state: Path) -> Child:
    return Child(name="patient", command=[sys.executable, "-c", PATIENT, str(state)])


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _supervise(children: list[Child], *, until: Callable[[], bool], told: list[str]) -> None:
    stop = threading.Event()

    def each_tick() -> None:
        if until():
            stop.set()

    Supervisor(children, environment={}, report=told.append, each_tick=each_tick).run(stop)
