"""Direct: there is nobody to call."""

from entrepot.connect.http import Http
from entrepot.connect.ports import Account, PingResult


def base_url(account: Account) -> str:  # noqa: ARG001 -- as every platform's
    """Nowhere: no call is made."""
    return ""


class Client:
    """Implements ports.Connector."""

    def __init__(self, http: Http, account: Account) -> None:
        self._account = account

    def ping(self) -> PingResult:
        """Answer here, without a call."""
        return PingResult(identity=self._account.identity, name="Direct", mode=self._account.mode)
