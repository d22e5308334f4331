"""The loops that read the inbox: one for live news, one for imports, so that neither starves."""

from entrepot.inbox.storing import IMPORT_LANE, LIVE_LANE
from entrepot.intake import drain as intake
from entrepot.tasks.registry import drain


@drain("intake", idle=0.25)
def read_live() -> int:
    """Work on the next batch of live messages."""
    return intake.drain(LIVE_LANE)


@drain("intake_import", idle=1.0)
def read_imports() -> int:
    """Work on the next batch of imported history."""
    return intake.drain(IMPORT_LANE)
