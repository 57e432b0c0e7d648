"""What Django refuses before any view of ours is asked."""

from django.http import HttpRequest, HttpResponse

from api.envelope import refusal, rendered
from api.rate_limit import Budget
from instagram.errors import InvalidParameters


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, in the envelope, with the headers of every answer of the API; OAuth's flat."""
    del exception  # what it says is not for strangers
    flat = request.path.startswith("/oauth")
    answer = refusal(InvalidParameters("the request cannot be read"), flat=flat)
    if not flat:
        answer.headers |= Budget().headers()
    return rendered(answer)
