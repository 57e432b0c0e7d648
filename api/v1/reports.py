"""Our own endpoints to report what should not be here. Reviewing is staff's, in the admin site."""

from accounts.models import Report
from accounts.queries import profiles
from accounts.reports import report
from api.parameters import object_id_of
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.media import visible_photo
from instagram.errors import InvalidParameters, NotFound
from photos.queries import comment_author_of


class _Reported(Endpoint):
    def _keep(self, call: Call, kind: Report.Kind, target_id: int, about_user_id: int) -> Answer:
        report(
            reporter_id=call.my_id,
            kind=kind,
            target_id=target_id,
            about_user_id=about_user_id,
            reason=call.params.choice("reason", Report.Reason.values),
            text=call.params.get("text").strip(),
        )
        return enveloped(None)


class ReportMedia(_Reported):
    """Report a photo."""

    @access(first_party=True)
    def post(self, call: Call, media_id: str) -> Answer:
        """Keep the report; a repeat is well and changes nothing."""
        photo = visible_photo(call, media_id)
        return self._keep(call, Report.Kind.MEDIA, photo.id, photo.author_id)


class ReportComment(_Reported):
    """Report a comment."""

    @access(first_party=True)
    def post(self, call: Call, media_id: str, comment_id: str) -> Answer:
        """Keep the report; a repeat is well and changes nothing."""
        photo, number = visible_photo(call, media_id), object_id_of(comment_id, "comment")
        author_id = comment_author_of(photo.id, number)
        if author_id is None:
            raise NotFound(what="comment")
        return self._keep(call, Report.Kind.COMMENT, number, author_id)


class ReportUser(_Reported):
    """Report a person: also one who is private or blocked me."""

    @access(first_party=True)
    def post(self, call: Call, user_id: str) -> Answer:
        """Keep the report; a repeat is well and changes nothing."""
        person = call.user_id(user_id)
        profile = profiles([person]).get(person)
        if profile is None or not profile.is_active:
            raise NotFound(what="user")
        if person == call.my_id:
            raise InvalidParameters("user: this is you")
        return self._keep(call, Report.Kind.USER, person, person)


routes = [
    route("v1/media/<media_id>/report", ReportMedia),
    route("v1/media/<media_id>/comments/<comment_id>/report", ReportComment),
    route("v1/users/<user_id>/report", ReportUser),
]
