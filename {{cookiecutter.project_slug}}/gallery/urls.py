"""The URLs of the gallery."""

from django.urls import path

from gallery import views

app_name = "gallery"

urlpatterns = [
    path("", views.home, name="home"),
    path("albums/", views.albums, name="albums"),
    path("albums/<uuid:key>/sheet/", views.order_sheet, name="order_sheet"),
    path("albums/<uuid:key>/remove/", views.remove_album, name="remove_album"),
    path("photographs/<uuid:key>.jpg", views.thumbnail, name="thumbnail"),
    path("sheets/<uuid:key>.pdf", views.sheet, name="sheet"),
    path("sheets/<uuid:key>/cancel/", views.cancel_sheet, name="cancel_sheet"),
    path("workers/", views.workers, name="workers"),
]
