"""The addresses of the web pages, with and without the slash; OAuth's in all four spellings. None redirects."""

from django.http import HttpResponseRedirect
from django.urls import re_path

from . import access, authorize, developer, front, photo, recovery, services, sessions

urlpatterns = [
    re_path(r"^\Z", front.front, name="front"),
    re_path(r"^oauth/authorize(?:\.json)?/?\Z", authorize.authorize),
    re_path(r"^p/(?P<code>[^/]+)/?\Z", photo.photo, name="photo"),
    re_path(r"^accounts/login/?\Z", sessions.log_in, name="login"),
    re_path(r"^accounts/logout/?\Z", sessions.log_out, name="logout"),
    re_path(r"^accounts/password_reset/?\Z", recovery.forgotten, name="forgotten"),
    re_path(r"^accounts/password_reset/confirm/?\Z", recovery.new_password, name="new-password"),
    re_path(r"^accounts/secure/?\Z", recovery.secure, name="secure"),
    re_path(r"^accounts/take_back/?\Z", recovery.take_account_back, name="take-back"),
    re_path(r"^accounts/confirm_email/?\Z", recovery.confirm, name="confirm-email"),
    re_path(r"^accounts/manage_access/?\Z", access.manage_access, name="manage-access"),
    re_path(r"^accounts/services/?\Z", services.services, name="services"),
    re_path(r"^accounts/services/(?P<service>[a-z]+)/link/?\Z", services.link_service, name="link-service"),
    re_path(r"^accounts/services/(?P<service>[a-z]+)/callback/?\Z", services.service_linked, name="service-linked"),
    re_path(r"^developer/?\Z", lambda _request: HttpResponseRedirect("/developer/clients/")),
    re_path(r"^developer/clients/?\Z", developer.clients, name="clients"),
    re_path(r"^developer/clients/register/?\Z", developer.register, name="register-client"),
    re_path(r"^developer/clients/(?P<client_id>[0-9a-f]{32})/?\Z", developer.client, name="client"),
]
