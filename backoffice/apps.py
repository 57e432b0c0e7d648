"""Two apps: our room, and Django's admin with our site as its default, so that `admin.site` is ours everywhere."""

from django.apps import AppConfig
from django.contrib.admin import apps as django_admin
from django.db.models.signals import post_migrate

from instagram.operating import acted


class BackofficeConfig(AppConfig):
    """The admin."""

    name = "backoffice"
    default = True

    def ready(self) -> None:
        """Have the roles' groups made after every migration of main, and what commands change written down."""
        from .roles import make_groups  # noqa: PLC0415  # it reads models
        from .terminal import note  # noqa: PLC0415  # it reads models

        post_migrate.connect(make_groups, sender=self)
        acted.connect(note, dispatch_uid="audit log")


class OfficeAdminConfig(django_admin.AdminConfig):
    """Django's admin, with our site."""

    default = False
    default_site = "backoffice.site.OfficeSite"
