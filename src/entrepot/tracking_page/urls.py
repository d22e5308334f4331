"""The addresses that customers get: short ones in mails, and the look-up."""

from django.urls import URLPattern, path

from entrepot.tracking_page import views

urlpatterns: list[URLPattern] = [
    path("t/<str:token>/", views.order, name="tracking"),
    path("t/<str:token>/mails/", views.mails, name="stop-mails"),
    path("track/", views.look_up, name="look-up"),
    path("track/style/<str:color>.css", views.style, name="store-style"),
    path("track/at/<slug:code>/", views.look_up, name="look-up-at"),
    path("track/<str:token>/", views.former, name="tracking-long"),
]
