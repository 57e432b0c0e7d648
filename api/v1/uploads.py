"""Our own: uploading a picture before its caption, and the receipt of an upload."""

from typing import Any

from api.calls import Call
from api.v1.base import Answer, Endpoint, access, enveloped, route
from api.v1.media import visible_photo
from instagram.errors import InvalidParameters, NotAllowed
from photos.models import Receipt
from photos.queries import PhotoBody
from photos.queries.receipts import receipts_of
from photos.services import pending
from photos.storage import image_url
from sharding import shard_of


class Uploads(Endpoint):
    """Pictures that wait for their captions."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return one's own, the one that expires next first."""
        return enveloped([_waiting(each) for each in pending.waiting_of(call.my_id)])

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Take a picture in; POST /v1/media with its upload_id and no photo publishes it."""
        upload = call.params.files.get("photo")
        if upload is None:
            raise InvalidParameters("photo: this file is required")
        held = pending.hold(author_id=call.my_id, image=upload.read(), upload_id=call.params.get("upload_id"))
        return enveloped(_waiting(held))

    @access(first_party=True)
    def delete(self, call: Call) -> Answer:
        """Throw one away."""
        pending.forget(author_id=call.my_id, upload_id=call.params.required("upload_id"))
        return enveloped(None)


class MediaReceipt(Endpoint):
    """What became of an upload."""

    @access(token=True, first_party=True)
    def get(self, call: Call, media_id: str) -> Answer:
        """Return the receipt of one's own photo; null for one that is older than receipts."""
        body = visible_photo(call, media_id)
        if body.author_id != call.my_id:
            raise NotAllowed
        receipt = receipts_of(shard_of(body.author_id), [body.id]).get(body.id)
        return enveloped(_receipt(body, receipt) if receipt else None)


def _waiting(held: pending.Waiting) -> dict[str, Any]:
    return {"upload_id": held.upload_id, "expires_at": str(int(held.expires_at.timestamp()))}


def _receipt(body: PhotoBody, receipt: Receipt) -> dict[str, Any]:
    received = dict(receipt.received)
    removed = {"gps": received.pop("had_gps"), "metadata": received.pop("had_metadata")}
    done = {"filter": body.filter} | receipt.done
    renditions = [
        {"side": int(side), "url": image_url(body.image_stem, int(side))} | facts
        for side, facts in sorted(receipt.renditions.items(), key=lambda pair: -int(pair[0]))
    ]
    return {
        "media_id": f"{body.id}_{body.author_id}",
        "received": received,
        "removed": removed,
        "done": done,
        "renditions": renditions,
        "original": receipt.original,
        "milliseconds": receipt.milliseconds,
        "rerendered": receipt.rerendered,
    }


routes = [
    route("v1/media/uploads", Uploads),
    route("v1/media/<media_id>/receipt", MediaReceipt),
]
