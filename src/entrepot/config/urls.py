"""Where each path goes. Webhooks, live events and health are answered before Django (asgi.py)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/", include("entrepot.api.urls")),
    path("", include("entrepot.dashboard.urls")),
]
