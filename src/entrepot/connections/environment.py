"""First connections from the environment, as the manifests' [environment] tables say."""

from collections.abc import Mapping

from entrepot.access import scope
from entrepot.canon.orders import Mode
from entrepot.connect.environment import given_settings, half_given, missing_variables
from entrepot.connect.manifest import Manifest
from entrepot.connect.registry import platforms
from entrepot.connections import services
from entrepot.connections.models import Connection

# How credentials and environments of tests are named at every platform that names them at all.
TEST_WORDS = ("_test_", "sandbox", "test")


class IncompleteEnvironment(ValueError):
    """Some, but not all, of the variables that a connection needs are set."""

    def __init__(self, manifest: Manifest, missing: list[str]) -> None:
        super().__init__(half_given(manifest, missing))
        self.missing = missing


def connect_from_environment(merchant_id: int, environment: Mapping[str, str]) -> list[Connection]:
    """Add the connections that the environment describes and the merchant does not have.

    A connection from the environment has its platform's code as its own code; one that was added
    before, archived or not, is left as it is. They observe like any other.

    Raises:
        IncompleteEnvironment: needed variables are missing.
        BadSettings: a value does not fit.
    """
    added = []
    for code, given in given_settings(environment).items():
        if _is_there(merchant_id, code):
            continue
        one = platforms()[code]
        if missing := missing_variables(one.manifest, given):
            raise IncompleteEnvironment(one.manifest, missing)
        added.append(
            services.add_connection(
                merchant_id,
                platform=code,
                mode=_mode_of(one.manifest, given),
                name=one.manifest.name,
                settings=given,
                code=code,
            )
        )
    return added


def _is_there(merchant_id: int, code: str) -> bool:
    with scope.merchant(merchant_id):
        return Connection.objects.filter(merchant_id=merchant_id, code=code).exists()


def _mode_of(manifest: Manifest, given: Mapping[str, str]) -> Mode:
    """Test credentials say so; the first ping corrects a guess by refusing the other mode."""
    for name, text in given.items():
        words = TEST_WORDS if manifest.setting(name).type == "choice" else TEST_WORDS[:1]
        if any(word in text.lower() for word in words):
            return Mode.TEST
    return Mode.LIVE
