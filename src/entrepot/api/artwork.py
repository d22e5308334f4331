"""Serves print files to the providers that were given a link to them."""

from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from entrepot.access import scope, signing
from entrepot.access.signing import BadToken
from entrepot.catalog import artwork
from entrepot.catalog.models import Asset
from entrepot.catalog.states import AssetStatus


@require_safe
def print_file(request: HttpRequest, token: str, name: str) -> HttpResponseBase:  # noqa: ARG001 -- for people
    """The copy of a file; whoever has the link may read it until it ends."""
    try:
        told = signing.read_token(artwork.PURPOSE, token)
    except BadToken as error:
        raise Http404(str(error)) from error
    merchant_id, asset_id = int(told["m"]), int(told["a"])
    with scope.merchant(merchant_id):
        asset = Asset.objects.filter(id=asset_id, status=AssetStatus.READY).first()
    if asset is None:
        raise Http404("this file is not kept any more")
    return StreamingHttpResponse(
        _parts(merchant_id, asset_id) if request.method == "GET" else (),
        content_type=asset.media_type or "application/octet-stream",
        headers={
            "Content-Length": str(asset.size),
            "Cache-Control": "private, max-age=86400",
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _parts(merchant_id: int, asset_id: int) -> Iterator[bytes]:
    with scope.merchant(merchant_id):
        yield from artwork.content_of(asset_id)
