"""Where each path goes. Webhooks, live events and health are answered before Django (asgi.py)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from entrepot.api.artwork import print_file
from entrepot.api.figures import metrics
from entrepot.dashboard import sandbox
from entrepot.notifications.mail_services import receive
from entrepot.sandbox.verdict import judge

# The page and the judge are rooms of one floor, which do not import each other.
sandbox.judge_by(judge)
admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/", include("entrepot.api.urls")),
    path("metrics", metrics, name="metrics"),
    path("mail-events/<str:service>/<str:token>/", receive, name="mail-events"),
    path("artwork/<str:token>/<str:name>", print_file, name="artwork"),
    path("", include("entrepot.tracking_page.urls")),
    path("", include("entrepot.dashboard.urls")),
]
