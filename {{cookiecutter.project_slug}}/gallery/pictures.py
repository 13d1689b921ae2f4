"""Read uploaded files. They are untrusted: anything may be in them."""

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("GIF", "JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000


class UnreadablePicture(Exception):  # noqa: N818 - not a fault of the program
    """The file is not a valid picture. The message is for the visitor who uploaded it."""


def make_jpeg(picture: bytes, size: tuple[int, int]) -> bytes:
    """Return an upright JPEG of a picture, no larger than `size`, without metadata.

    It takes bytes and not a file, so that a failing storage is not mistaken for a damaged picture.
    Raise `UnreadablePicture` if it is not a valid picture.
    """
    try:
        # This reads only the header: a few bytes can unpack to gigabytes of pixels.
        with Image.open(BytesIO(picture), formats=FORMATS) as image:
            check_size(*image.size)
            image.thumbnail(size)
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError as error:
        raise UnreadablePicture("It is not a valid JPEG, PNG, GIF or WebP picture.") from error
    except Image.DecompressionBombError as error:
        raise UnreadablePicture("It has far too many pixels.") from error
    # Pillow's other errors come from the file, too.
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadablePicture("It is damaged: its end may be missing.") from error
    jpeg = BytesIO()
    upright.save(jpeg, "JPEG")
    return jpeg.getvalue()


def check_size(width: int, height: int) -> None:
    """Raise `UnreadablePicture` for a picture that needs too much memory."""
    if (pixels := width * height) > MAX_PIXELS:
        raise UnreadablePicture(f"It has {pixels:,} pixels: at most {MAX_PIXELS:,} are allowed.")
