"""Who is looking at a page, for which merchant, in which mode, and what they may do there."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest
from django.urls import reverse

from entrepot.access.models import Membership, Merchant, User
from entrepot.access.permissions import scopes_of
from entrepot.access.queries import memberships_of
from entrepot.access.states import Role
from entrepot.database.rows import Mode

MERCHANT_KEY = "merchant_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One person's look at one merchant's things in one mode."""

    user: User
    membership: Membership
    others: tuple[Membership, ...]
    mode: Mode
    scopes: frozenset[str]

    @property
    def merchant(self) -> Merchant:
        """Whose things they are."""
        return self.membership.merchant

    @property
    def merchant_id(self) -> int:
        """Whose things they are, by id."""
        return self.membership.merchant_id

    @property
    def is_test(self) -> bool:
        """Whether the page is about test orders; its address says so as well."""
        return self.mode == Mode.TEST

    @property
    def role_word(self) -> str:
        """The role as a word: "Operator"."""
        return Role(self.membership.role).label

    @property
    def actor(self) -> str:
        """How the journal names this person: "user:3"."""
        return f"user:{self.user.id}"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the merchant, in which pages show times."""
        try:
            return ZoneInfo(self.merchant.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    @property
    def sees_people(self) -> bool:
        """Whether names and addresses of customers are shown."""
        return "personal_data:read" in self.scopes

    def may(self, scope: str) -> bool:
        """Whether this person has a scope here."""
        return scope in self.scopes

    def url(self, name: str, *arguments: object) -> str:
        """The address of a page of this site in the same mode."""
        return reverse(f"dashboard:{name}", args=arguments, current_app=self.mode.value)


class PageRequest(HttpRequest):
    """A request that `page` has let through; `current_app` makes {% url %} stay in its mode."""

    visit: Visit
    current_app: str


def visit_of(request: HttpRequest, *, mode: Mode | None) -> Visit | None:
    """The visit of a signed-in person; None for somebody without a role anywhere.

    The merchant is the one chosen in the session, else the first by name; without a mode it is the
    one that this merchant starts with.
    """
    user = request.user
    if not isinstance(user, User):
        return None
    memberships = memberships_of(user.id)
    if not memberships:
        return None
    chosen = request.session.get(MERCHANT_KEY)
    membership = next((row for row in memberships if row.merchant_id == chosen), memberships[0])
    return Visit(
        user=user,
        membership=membership,
        others=tuple(row for row in memberships if row is not membership),
        mode=mode or Mode(membership.merchant.mode),
        scopes=scopes_of(Role(membership.role)),
    )
