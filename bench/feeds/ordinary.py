"""The same feed as an ordinary Django application has it: one database, the ORM, serializers."""

from typing import Any

from django.conf import settings
from django.db import models
from django.urls import re_path
from rest_framework import authentication, exceptions, generics, pagination, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from photos.hashtags import hashtags_in
from photos.storage import image_url
from sharding.ids import created_time_of, shortcode_of

SAMPLE = 8
SIDES = {"low_resolution": 306, "thumbnail": 150, "standard_resolution": 612}


class Person(models.Model):
    """Somebody."""

    username = models.CharField(max_length=30, unique=True)
    full_name = models.CharField(max_length=60)
    picture = models.CharField(max_length=32)
    bio = models.CharField(max_length=150)
    website = models.CharField(max_length=200)
    is_private = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        app_label = "bench_ordinary"

    #: What Django REST framework asks of whoever is signed in.
    is_authenticated = True


class Token(models.Model):
    """What a client sends."""

    key = models.CharField(max_length=64, primary_key=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE)

    class Meta:
        app_label = "bench_ordinary"


class Follow(models.Model):
    """Who follows whom."""

    follower = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="follows")
    followee = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="followed_by")

    class Meta:
        app_label = "bench_ordinary"
        unique_together = ("follower", "followee")


class Block(models.Model):
    """Who blocked whom."""

    owner = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="blocked_by")

    class Meta:
        app_label = "bench_ordinary"
        unique_together = ("owner", "blocked")


class Place(models.Model):
    """A venue."""

    name = models.CharField(max_length=200)

    class Meta:
        app_label = "bench_ordinary"


class Photo(models.Model):
    """A photo."""

    id = models.BigIntegerField(primary_key=True)
    author = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="photos")
    image_stem = models.CharField(max_length=32)
    caption = models.TextField()
    caption_id = models.BigIntegerField(null=True)
    filter = models.CharField(max_length=20)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    place = models.ForeignKey(Place, on_delete=models.CASCADE, null=True)

    class Meta:
        app_label = "bench_ordinary"
        indexes = [models.Index(fields=["author", "-id"], name="bench_photo_by_author")]


class Like(models.Model):
    """A like."""

    id = models.BigIntegerField(primary_key=True)
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="likes")
    person = models.ForeignKey(Person, on_delete=models.CASCADE)

    class Meta:
        app_label = "bench_ordinary"
        unique_together = ("photo", "person")
        ordering = ("-id",)
        indexes = [models.Index(fields=["photo", "-id"], name="bench_like_latest")]


class Comment(models.Model):
    """A comment."""

    id = models.BigIntegerField(primary_key=True)
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(Person, on_delete=models.CASCADE)
    text = models.TextField()

    class Meta:
        app_label = "bench_ordinary"
        ordering = ("id",)
        indexes = [models.Index(fields=["photo", "id"], name="bench_comment_by_photo")]


MODELS = (Person, Token, Follow, Block, Place, Photo, Like, Comment)


class MiniSerializer(serializers.ModelSerializer):
    """A person in lists."""

    id = serializers.CharField()
    profile_picture = serializers.SerializerMethodField()

    class Meta:
        model = Person
        fields = ("id", "username", "full_name", "profile_picture")

    def get_profile_picture(self, person: Person) -> str:
        """Return the picture's address."""
        return image_url(person.picture, 150) if person.picture else f"{settings.CDN_BASE_URL}/pub/anonymous.jpg"


class BriefSerializer(MiniSerializer):
    """The author of a photo."""

    class Meta:
        model = Person
        fields = ("id", "username", "full_name", "profile_picture", "bio", "website")


class CommentSerializer(serializers.ModelSerializer):
    """A comment."""

    id = serializers.CharField()
    created_time = serializers.SerializerMethodField()

    class Meta:
        model = Comment
        fields = ("id", "text", "created_time")

    def get_created_time(self, comment: Comment) -> str:
        """Return seconds since 1970."""
        return str(created_time_of(comment.id))

    def to_representation(self, comment: Comment) -> dict[str, Any]:
        """Add who wrote it, under a name that Python keeps for itself."""
        return super().to_representation(comment) | {"from": MiniSerializer(comment.author).data}


class PhotoSerializer(serializers.ModelSerializer):
    """A photo with everything on it."""

    id = serializers.SerializerMethodField()
    type = serializers.SerializerMethodField()
    tags = serializers.SerializerMethodField()
    created_time = serializers.SerializerMethodField()
    link = serializers.SerializerMethodField()
    attribution = serializers.SerializerMethodField()
    user = BriefSerializer(source="author")
    caption = serializers.SerializerMethodField()
    comments = serializers.SerializerMethodField()
    likes = serializers.SerializerMethodField()
    images = serializers.SerializerMethodField()
    users_in_photo = serializers.SerializerMethodField()
    location = serializers.SerializerMethodField()
    user_has_liked = serializers.SerializerMethodField()

    class Meta:
        model = Photo
        fields = (
            "id", "type", "filter", "tags", "created_time", "link", "attribution", "user", "caption", "comments",
            "likes", "images", "users_in_photo", "location", "user_has_liked",
        )  # fmt: skip

    def get_id(self, photo: Photo) -> str:
        """Return the canonical id."""
        return f"{photo.pk}_{photo.author_id}"

    def get_type(self, _photo: Photo) -> str:
        """Return what it is."""
        return "image"

    def _comments(self, photo: Photo) -> list[Comment]:
        return list(photo.comments.all())[-SAMPLE:]

    def get_tags(self, photo: Photo) -> list[str]:
        """Return the owner's tags."""
        own = [comment.text for comment in photo.comments.all() if comment.author_id == photo.author_id]
        return hashtags_in(photo.caption, *own)

    def get_created_time(self, photo: Photo) -> str:
        """Return seconds since 1970."""
        return str(created_time_of(photo.pk))

    def get_link(self, photo: Photo) -> str | None:
        """Return the page's address."""
        return None if photo.author.is_private else f"{settings.WEB_BASE_URL}/p/{shortcode_of(photo.pk)}/"

    def get_attribution(self, _photo: Photo) -> None:
        """Return nothing."""
        return

    def get_caption(self, photo: Photo) -> dict[str, Any] | None:
        """Return the caption, shaped like a comment."""
        if not photo.caption or photo.caption_id is None:
            return None
        caption = Comment(id=photo.caption_id, text=photo.caption, author=photo.author)
        return CommentSerializer(caption).data

    def get_comments(self, photo: Photo) -> dict[str, Any]:
        """Return their number and the latest."""
        return {"count": len(photo.comments.all()), "data": CommentSerializer(self._comments(photo), many=True).data}

    def get_likes(self, photo: Photo) -> dict[str, Any]:
        """Return their number, and those I follow first."""
        likes = list(photo.likes.all())
        first = sorted(likes, key=lambda like: like.person_id not in self.context["following"])[:SAMPLE]
        return {"count": len(likes), "data": MiniSerializer([like.person for like in first], many=True).data}

    def get_images(self, photo: Photo) -> dict[str, Any]:
        """Return the renditions."""
        return {
            name: {"url": image_url(photo.image_stem, side), "width": side, "height": side}
            for name, side in SIDES.items()
        }

    def get_users_in_photo(self, _photo: Photo) -> list[Any]:
        """Return nobody."""
        return []

    def get_location(self, photo: Photo) -> dict[str, Any] | None:
        """Return where it was taken."""
        if photo.latitude is None:
            return None
        position = {"latitude": photo.latitude, "longitude": photo.longitude}
        return {"id": str(photo.place.pk), "name": photo.place.name} | position if photo.place else position

    def get_user_has_liked(self, photo: Photo) -> bool:
        """Return whether I like it."""
        me = self.context["request"].user.pk
        return any(like.person_id == me for like in photo.likes.all())


class TokenAuthentication(authentication.BaseAuthentication):
    """Who a token stands for."""

    def authenticate(self, request: Request) -> tuple[Person, Token]:
        """Look the token up."""
        token = Token.objects.select_related("person").filter(key=request.query_params.get("access_token", "")).first()
        if token is None:
            raise exceptions.AuthenticationFailed
        return token.person, token


class Pages(pagination.BasePagination):
    """Pages by id, in the contract's envelope."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Photo]:
        """Return one page."""
        self.request = request
        count = int(request.query_params.get("count", 20))
        if below := request.query_params.get("max_id"):
            queryset = queryset.filter(pk__lt=below.partition("_")[0])
        found = list(queryset[: count + 1])
        self.last = found[count - 1] if len(found) > count else None
        return found[:count]

    def get_paginated_response(self, data: Any) -> Response:
        """Return the envelope."""
        pages = {}
        if self.last is not None:
            cursor = f"{self.last.pk}_{self.last.author_id}"
            query = self.request.query_params.copy()
            query["max_id"] = cursor
            address = self.request.build_absolute_uri("/v1/users/self/feed")
            pages = {"next_max_id": cursor, "next_url": f"{address}?{query.urlencode()}"}
        return Response({"meta": {"code": 200}, "data": data, "pagination": pages})


class Feed(generics.ListAPIView):
    """The feed."""

    serializer_class = PhotoSerializer
    authentication_classes = (TokenAuthentication,)
    pagination_class = Pages
    renderer_classes = (JSONRenderer,)

    def get_queryset(self) -> Any:
        """Return photos of mine and of those I follow, latest first, with all that is shown."""
        me = self.request.user
        blockers = Block.objects.filter(blocked=me).values("owner")
        people = models.Q(person__is_active=True) & ~models.Q(person__in=blockers)
        writers = models.Q(author__is_active=True) & ~models.Q(author__in=blockers)
        following = Follow.objects.filter(follower=me).values("followee")
        return (
            Photo.objects.filter(models.Q(author__in=following) | models.Q(author=me), author__is_active=True)
            .exclude(author__in=blockers)
            .select_related("author", "place")
            .prefetch_related(
                models.Prefetch("likes", Like.objects.filter(people).select_related("person")),
                models.Prefetch("comments", Comment.objects.filter(writers).select_related("author")),
            )
            .order_by("-id")
        )

    def get_serializer_context(self) -> dict[str, Any]:
        """Add whom I follow, for the order of likers."""
        following = Follow.objects.filter(follower=self.request.user).values_list("followee_id", flat=True)
        return super().get_serializer_context() | {"following": set(following)}


urlpatterns = [re_path(r"^v1/users/self/feed\Z", Feed.as_view())]
