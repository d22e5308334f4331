"""The addresses of the operator's site: every page twice, live and below /test/."""

from django.urls import URLPattern, URLResolver, include, path, register_converter
from django.urls.converters import StringConverter

from entrepot.dashboard import (
    acting,
    attention,
    bulk,
    connecting,
    connection_moves,
    connections,
    home,
    inbox,
    jobs,
    mail,
    mailbox,
    mappings,
    message_templates,
    new_orders,
    news,
    order,
    orders,
    pausing,
    picklists,
    sandbox,
    search,
    session,
    unmatched,
)
from entrepot.dashboard.reading.owed import Bucket


class BucketConverter(StringConverter):
    """The urgencies that promises are listed by."""

    regex = "|".join(Bucket)


register_converter(BucketConverter, "bucket")

pages: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("owed/<bucket:bucket>/", home.owed_list, name="owed"),
    path("search/", search.search, name="search"),
    path("search", search.search),
    path("pause/", pausing.pause, name="pause"),
    path("orders/", orders.orders, name="orders"),
    path("orders/export.csv", orders.export, name="export-orders"),
    path("orders/new/", new_orders.new_order, name="new-order"),
    path("orders/import/", new_orders.import_orders, name="import-orders"),
    path("orders/import/sample.csv", new_orders.sample, name="sample-orders"),
    path("orders/views/", orders.save_view, name="save-view"),
    path("orders/views/<int:view_id>/remove/", orders.remove_view, name="remove-view"),
    path("orders/several/<slug:name>/", bulk.bulk, name="bulk"),
    path("orders/<str:key>/", order.order, name="order"),
    path("orders/<str:key>/reveal/", order.reveal, name="reveal"),
    path("orders/<str:key>/note/", acting.note, name="note"),
    path("orders/<str:key>/<slug:name>/", acting.act, name="act"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/several/<slug:name>/", inbox.decide, name="decide-messages"),
    path("inbox/<int:message_id>/", inbox.message, name="message"),
    path("inbox/<int:message_id>/reveal/", inbox.reveal_message, name="reveal-message"),
    path("inbox/refused/<int:refusal_id>/", inbox.refusal, name="refusal"),
    path("connections/", connections.connections, name="connections"),
    path("connections/add/", connecting.choose_platform, name="choose-platform"),
    path("connections/add/<slug:code>/", connecting.add_connection, name="add-connection"),
    path("connections/<int:connection_id>/", connections.connection, name="connection"),
    path("connections/<int:connection_id>/calls/", connections.calls, name="calls"),
    path(
        "connections/<int:connection_id>/settings/",
        connecting.edit_connection,
        name="edit-connection",
    ),
    path("connections/<int:connection_id>/test/", connection_moves.test, name="test-connection"),
    path("connections/<int:connection_id>/rotate/", connection_moves.rotate, name="rotate-secret"),
    path(
        "connections/<int:connection_id>/do/",
        connection_moves.order_around,
        name="order-connection",
    ),
    path(
        "connections/<int:connection_id>/import/",
        connection_moves.import_history,
        name="import-history",
    ),
    path(
        "connections/<int:connection_id>/<slug:name>/",
        connection_moves.move,
        name="move-connection",
    ),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<slug:cause>/", jobs.letters, name="letters"),
    path("jobs/<slug:cause>/<slug:name>/", jobs.decide, name="decide-letters"),
    path("mails/<int:mail_id>/", mail.mail, name="mail"),
    path("mails/<int:mail_id>/html/", mail.sent_html, name="sent-html"),
    path("mails/<int:mail_id>/resend/", mail.resend, name="resend-mail"),
    path("notifications/", news.news, name="news"),
    path("notifications/mark/", news.mark_news, name="mark-news"),
    path("mailbox/", mailbox.mailbox, name="mailbox"),
    path("mailbox/<int:mail_id>/html/", mailbox.mail_html, name="mail-html"),
    path("picklists/", picklists.picklists, name="picklists"),
    path("picklists/print/", picklists.print_picklist, name="print-picklist"),
    path("picklists/ship/", picklists.ship, name="ship"),
    path("picklists/tracking/", picklists.import_tracking, name="import-tracking"),
    path("mappings/", mappings.mappings, name="mappings"),
    path("mappings/one/", mappings.mapping, name="mapping"),
    path("mappings/export.csv", mappings.export, name="export-mappings"),
    path("mappings/import/", mappings.import_mappings, name="import-mappings"),
    path("mappings/methods/", mappings.save_method, name="save-method"),
    path("messages/", message_templates.message_templates, name="messages"),
    path("messages/sender/", message_templates.choose_sender, name="choose-sender"),
    path("messages/voice/<int:store_id>/", message_templates.voice, name="voice"),
    path(
        "messages/template/<int:store_id>/<slug:kind>/",
        message_templates.edit_template,
        name="edit-template",
    ),
    path(
        "messages/template/<int:store_id>/<slug:kind>/preview/",
        message_templates.preview_template,
        name="preview-template",
    ),
    path(
        "messages/remove/<int:template_id>/",
        message_templates.remove_template,
        name="remove-template",
    ),
    path("sandbox/", sandbox.sandbox, name="sandbox"),
    path("sandbox/control/", sandbox.control, name="control-sandbox"),
    path("attention/", attention.attention, name="attention"),
    path("attention/export.csv", attention.export, name="export-attention"),
    path("attention/map/", attention.map_unmapped, name="map-sku"),
    path("attention/artwork/", attention.add_artwork, name="add-artwork"),
    path("attention/shipping/", attention.map_method, name="map-method"),
    path("attention/release/", attention.lift_similar, name="lift-similar"),
    path("attention/replay/", attention.replay_parked, name="replay-parked"),
    path("attention/letters/", attention.replay_letters, name="replay-letters"),
    path("attention/payments/<int:payment_id>/match/", unmatched.match, name="match-payment"),
    path("attention/payments/<int:payment_id>/dismiss/", unmatched.dismiss, name="dismiss-payment"),
    path("attention/waive/<int:obligation_id>/", attention.waive, name="waive"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", session.sign_in, name="sign-in"),
    path("sign-in/code/", session.code, name="sign-in-code"),
    path("sign-in/second-factor/", session.second_factor, name="second-factor"),
    path("sign-in/password/<str:token>/", session.choose_password, name="set-password"),
    path("sign-in/join/<str:token>/", session.join, name="join"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("merchant/", session.choose_merchant, name="merchant"),
    path("test/", include((pages, "dashboard"), namespace="test"), {"mode": "test"}),
    path("", include((pages, "dashboard"), namespace="live"), {"mode": "live"}),
]
