"""What a process loads when it starts, and how."""

import gc
import subprocess
import sys

import pytest

from entrepot.config.loading import loading

# Only for who looks at pages or speaks the REST interface; half a second of a worker's start.
PAGES = ("entrepot.dashboard.page", "entrepot.dashboard.configuration", "unfold.forms", "ninja")
LOAD_WORKER = """
import sys
import django
django.setup()
import entrepot.tasks.worker
entrepot.tasks.worker.registry.load()
print(*sys.modules)
"""


def test_a_worker_loads_no_pages() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOAD_WORKER], check=True, capture_output=True, text=True
    )
    loaded = told.stdout.split()
    assert "entrepot.tasks.submission" in loaded
    assert [name for name in PAGES if name in loaded] == []


@pytest.mark.parametrize("was_enabled", [True, False])
def test_garbage_is_looked_for_after_loading_as_before_it(*, was_enabled: bool) -> None:
    switch = {True: gc.enable, False: gc.disable}
    frozen = gc.get_freeze_count()
    switch[was_enabled]()
    try:
        with loading():
            assert not gc.isenabled()
            circle: list[object] = []
            circle.append(circle)
        assert gc.isenabled() is was_enabled
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.enable()


def test_loading_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError("no such module")
    assert gc.isenabled()
    gc.unfreeze()
