"""The page."""

from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from pages.models import Text
from pages.tasks import count_words


class TextForm(ModelForm):
    class Meta:
        model = Text
        fields = ("text",)


def home(request: HttpRequest) -> HttpResponse:
    """Takes a text, and shows the last ten with what a worker made of them."""
    form = TextForm(request.POST or None)
    if form.is_valid():
        text = form.save()
        # Not sent before the text is in the database, nor if it never gets there.
        count_words.delay_on_commit(text.pk)
        return redirect("home")
    texts = Text.objects.all()[:10]
    waiting = any(text.words is None for text in texts)
    return render(request, "pages/home.html", {"form": form, "texts": texts, "waiting": waiting})
