"""Profile pictures: through the same gate as photos, kept in the same store."""

from instagram.errors import InvalidParameters, TooLarge
from photos import images, storage

#: Sides kept, pixels: the API's 150, and larger ones for the profile page.
SIDES = (612, 306, 150)


def store_picture(image: bytes) -> str:
    """Check, clean and store a profile picture; return its stem, for accounts.services.set_picture.

    Raises InvalidParameters, TooLarge, DecodingUnavailable, StorageUnavailable.
    """
    try:
        jpegs = images.render(image).jpegs
    except InvalidParameters as error:
        message = "picture:" + error.message.removeprefix("photo:")
        fault = TooLarge if isinstance(error, TooLarge) else InvalidParameters
        raise fault(message, errors={"picture": [message.removeprefix("picture: ")]}) from error
    return storage.store_renditions({side: jpegs[side] for side in SIDES})
