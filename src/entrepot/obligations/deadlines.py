"""How long each kind of promise may take where a merchant has set nothing else."""

from datetime import timedelta

from entrepot.obligations.states import Kind

# Counted from the fact that opens the promise. None: only the caller can know (the provider's
# production days on its business calendar, the channel's own ship-by, the carrier's estimate).
DEFAULTS: dict[Kind, timedelta | None] = {
    Kind.SUBMIT: timedelta(minutes=15),  # after the release, or the end of the cooling-off time
    Kind.WRITE_BACK: timedelta(minutes=15),
    Kind.TELL_CUSTOMER: timedelta(minutes=5),  # after the end of the gathering
    Kind.RESOLVE: timedelta(minutes=15),
    Kind.REFUND: timedelta(minutes=15),
    Kind.CAPTURE: timedelta(minutes=15),
    Kind.VOID: timedelta(minutes=15),
    Kind.CANCEL: timedelta(minutes=15),
    Kind.SHIP: None,
    Kind.DELIVER: None,
}
