"""Comments under photos."""

import re

from accounts import visibility
from instagram.counting import count
from instagram.errors import APIError, InvalidParameters, NotAllowed, NotFound
from jobs import enqueue
from photos.hashtags import hashtags_in
from photos.models import Comment, State
from photos.queries.bodies import body_of
from photos.queries.engagement import forget_engagement
from sharding import Shard, counters, shard_of_object

FIRST_PARTY_MAX_CHARS = 2_200
API_MAX_CHARS, API_MAX_HASHTAGS, API_MAX_URLS = 300, 4, 1
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)


class CommentTooLong(APIError):
    """Over 300 characters."""

    error_type = "APICommentTooLongError"


class CommentTooManyTags(APIError):
    """Over 4 hashtags."""

    error_type = "APICommentTooManyTagsError"


class CommentTooManyUrls(APIError):
    """Over 1 URL."""

    error_type = "APICommentTooManyUrlsError"


class CommentAllCaps(APIError):
    """Nothing but capitals."""

    error_type = "APICommentAllCapsError"


def add_comment(*, user_id: int, photo_id: int, text: str, first_party: bool) -> Comment:
    """Comment on a photo the person may see. first_party: our own app, which the API's four rules do not bind."""
    text = text.strip()
    body = body_of(photo_id)
    visibility.require_may_see(user_id, body.author_id)
    if not text:
        raise InvalidParameters("text: this parameter is required")
    _check(text, first_party=first_party)
    shard = shard_of_object(photo_id)
    with shard.atomic():
        comment = shard.model(Comment).objects.create(
            photo_id=photo_id, owner_id=body.author_id, author_id=user_id, text=text
        )
        counters.add(shard, counters.PHOTO_COMMENTS, photo_id, 1)
        forget_engagement(shard, photo_id)
        _tell(shard, comment)
        enqueue("moderation.judge", on=shard, photo_id=photo_id, comment_id=comment.id)
        if user_id == body.author_id and hashtags_in(text):
            enqueue("notifications.match_comment", on=shard, photo_id=photo_id, comment_id=comment.id)
            enqueue("photos.index_photo", on=shard, photo_id=photo_id)
    count("comments")
    return comment


def delete_comment(*, user_id: int, photo_id: int, comment_id: int) -> None:
    """Delete a comment: its author and the photo's owner may. Raises NotFound, NotAllowed."""
    body = body_of(photo_id)
    visibility.require_may_see(user_id, body.author_id)
    shard = shard_of_object(photo_id)
    with shard.atomic():
        comments = shard.model(Comment).objects.select_for_update()
        comment = comments.filter(id=comment_id, photo_id=photo_id, state=State.VISIBLE).first()
        if comment is None:
            raise NotFound(what="comment")
        if user_id not in {comment.author_id, comment.owner_id}:
            raise NotAllowed("you cannot delete this comment")
        _turn(shard, comment, State.DELETED)


def withdraw_comment(*, photo_id: int, comment_id: int) -> None:
    """Delete a comment whoever asks, a held one too: its author is being deleted. Harmless to repeat."""
    shard = shard_of_object(photo_id)
    with shard.atomic():
        comments = shard.model(Comment).objects.select_for_update()
        comment = comments.filter(id=comment_id, photo_id=photo_id).exclude(state=State.DELETED).first()
        if comment is not None:
            _turn(shard, comment, State.DELETED)


def hold_comment(*, photo_id: int, comment_id: int) -> Comment:
    """Take a comment down, kept for put_comment_back(); return it. Safe to repeat.

    Raises NotFound, ShardUnavailable.
    """
    return _turned(photo_id, comment_id, State.HELD)


def put_comment_back(*, photo_id: int, comment_id: int) -> Comment:
    """Show a held comment again; return it. Safe to repeat. Raises NotFound, ShardUnavailable."""
    return _turned(photo_id, comment_id, State.VISIBLE)


def _turned(photo_id: int, comment_id: int, state: State) -> Comment:
    try:
        shard = shard_of_object(photo_id)
    except ValueError:
        raise NotFound(what="media") from None
    with shard.atomic():
        comments = shard.model(Comment).objects.select_for_update()
        comment = comments.filter(id=comment_id, photo_id=photo_id).exclude(state=State.DELETED).first()
        if comment is None:
            raise NotFound(what="comment")
        if comment.state != state:
            _turn(shard, comment, state)
    return comment


def _turn(shard: Shard, comment: Comment, state: State) -> None:
    """Give a comment, whose row is locked, another state; those it concerns are told by jobs."""
    step = (state == State.VISIBLE) - (comment.state == State.VISIBLE)
    comment.state = state
    comment.save(update_fields=["state"])
    if step:
        counters.add(shard, counters.PHOTO_COMMENTS, comment.photo_id, step)
    forget_engagement(shard, comment.photo_id)
    _tell(shard, comment)
    if state == State.DELETED:
        enqueue("moderation.close_gone", on=shard, kind="comment", target_ids=[comment.id])
    if comment.author_id == comment.owner_id and (tags := hashtags_in(comment.text)):
        gone_tags = [] if state == State.VISIBLE else tags
        enqueue("photos.index_photo", on=shard, photo_id=comment.photo_id, gone_tags=gone_tags)


def _tell(shard: Shard, comment: Comment) -> None:
    """Have a comment, or its end, told to whom it concerns; in the change's transaction."""
    enqueue(
        "notifications.note_comment",
        on=shard,
        photo_id=comment.photo_id,
        comment_id=comment.id,
        owner_id=comment.owner_id,
        author_id=comment.author_id,
    )


def _check(text: str, *, first_party: bool) -> None:
    if first_party:
        if len(text) > FIRST_PARTY_MAX_CHARS:
            raise InvalidParameters(f"text: at most {FIRST_PARTY_MAX_CHARS} characters")
        return
    if len(text) > API_MAX_CHARS:
        raise CommentTooLong("Your comment is too long.")
    if len(hashtags_in(text)) > API_MAX_HASHTAGS:
        raise CommentTooManyTags(f"Your comment has more than {API_MAX_HASHTAGS} hashtags.")
    if len(_URL.findall(text)) > API_MAX_URLS:
        raise CommentTooManyUrls(f"Your comment has more than {API_MAX_URLS} URL.")
    if text.upper() == text and text.lower() != text:
        raise CommentAllCaps("Your comment is all capitals.")
