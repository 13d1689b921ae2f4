"""Reads what visitors send: with care, since it may be anything."""

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("GIF", "JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000


class UnreadablePicture(Exception):  # noqa: N818 - the picture is at fault, not the program
    """A file that no thumbnail can be made of; the message is for the one who uploaded it."""


def make_jpeg(picture: bytes, size: tuple[int, int]) -> bytes:
    """Returns a JPEG of a picture, no larger than `size`, upright, without what a camera notes.

    It takes bytes, no file: a storage that fails is not to be taken for a picture that is damaged.
    Raises UnreadablePicture.
    """
    try:
        # This reads no more than the size: few bytes may stand for many pixels.
        with Image.open(BytesIO(picture), formats=FORMATS) as image:
            check_size(*image.size)
            image.thumbnail(size)
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError as error:
        raise UnreadablePicture("It is no JPEG, PNG, GIF or WebP picture.") from error
    except Image.DecompressionBombError as error:
        raise UnreadablePicture("It has far too many pixels.") from error
    # Whatever else Pillow trips over is in the file.
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadablePicture("It is damaged: its end may be missing.") from error
    jpeg = BytesIO()
    upright.save(jpeg, "JPEG")
    return jpeg.getvalue()


def check_size(width: int, height: int) -> None:
    """Raises UnreadablePicture for what would take too much memory."""
    if (pixels := width * height) > MAX_PIXELS:
        raise UnreadablePicture(f"It has {pixels:,} pixels: at most {MAX_PIXELS:,} are allowed.")
