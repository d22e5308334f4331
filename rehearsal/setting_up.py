"""Sets the rehearsed merchant up as a demo's is, to be run as a process of its own.

Prints one JSON object: merchant_id, run, connections by mount, gateways, site_key, zone, key (an
API key with every scope).
"""

import json
import sys
from dataclasses import asdict

from entrepot.cli.hub import set_up_django


def main() -> None:
    """Set up what stands at the sandbox whose address is the only argument."""
    set_up_django()
    from entrepot.access.keys import create_api_key  # noqa: PLC0415 -- app not ready
    from entrepot.access.permissions import SCOPES  # noqa: PLC0415 -- app not ready
    from entrepot.database.rows import Mode  # noqa: PLC0415 -- app not ready
    from entrepot.events.outbox import because  # noqa: PLC0415 -- app not ready
    from entrepot.sandbox.setting_up import set_up  # noqa: PLC0415 -- app not ready
    from entrepot.sandbox.telephone import Telephone  # noqa: PLC0415 -- app not ready

    with because(actor="command_line"):
        demo = set_up(Telephone(sys.argv[1]))
        issued = create_api_key(
            merchant_id=demo.merchant_id,
            name="rehearsal",
            scopes=list(SCOPES),
            mode=Mode.TEST,
            rate_limit_per_minute=1_000_000,
        )
    told = {**asdict(demo), "zone": demo.zone.key, "key": issued.secret}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
