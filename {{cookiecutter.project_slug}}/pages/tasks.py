"""Work that is done by a worker, after the response was sent."""

from celery import shared_task

from config.tasks import RetriedTask
from pages.models import Text


@shared_task(base=RetriedTask)
def count_words(text_id: int) -> int:
    """Counts the words of a text. May run twice: it comes to the same."""
    text = Text.objects.get(pk=text_id)
    text.words = len(text.text.split())
    text.save(update_fields=["words"])
    return text.words
