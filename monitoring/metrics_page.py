"""/metrics: all metrics, for Prometheus and for Munin's plugin, to who brings METRICS_TOKEN."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from jobs.metrics import exposed

from . import exposition


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in the text format of Prometheus, or with ?format=json as a Reading.

    The token in a header, not the address: addresses are logged. Cost: exposition.families().
    """
    if not settings.METRICS_TOKEN:
        return HttpResponseNotFound("METRICS_TOKEN is not set: there are no metrics here.\n", content_type="text/plain")
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(
            "Send METRICS_TOKEN as Authorization: Bearer.\n",
            content_type="text/plain",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
    found = exposition.families()
    if request.GET.get("format") == "json":
        return JsonResponse(exposition.reading(found).as_json())
    return HttpResponse(exposed(found), content_type=CONTENT_TYPE_PLAIN_0_0_4)
