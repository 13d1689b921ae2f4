"""Forms that check the size of uploads. A worker checks whether a file is a picture."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

MAX_FILES = 20
MAX_BYTES = 10 * 1024 * 1024
# The files, and a little for the rest of the form.
MAX_BODY = MAX_FILES * MAX_BYTES + 1024 * 1024
# The longest delay of an e-mail. For longer ones, let a periodic task look for what is due.
MAX_WAIT = timedelta(minutes=45)


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """A field for several files. It refuses empty and large ones."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = [super(FilesField, self).clean(file, initial) for file in data or [None]]
        problems = [problem for file in files if (problem := self.problem(file))]
        if len(files) > MAX_FILES:
            problems = [f"You chose {len(files)} files: upload {MAX_FILES} at a time."]
        if problems:
            raise ValidationError(problems)
        return files

    def problem(self, file: UploadedFile) -> str:
        if not file.size:
            return f"{file.name} is empty."
        if file.size > MAX_BYTES:
            return f"{file.name} is larger than {MAX_BYTES // 1024 // 1024} MB."
        return ""


class UploadForm(forms.Form):
    photographs = FilesField(
        label="Photographs",
        allow_empty_file=True,
        help_text=f"JPEG, PNG, GIF or WebP: {MAX_FILES} at a time, up to 10 MB each.",
        error_messages={"required": "Choose a photograph first."},
        widget=FilesInput(
            {
                "accept": "image/jpeg,image/png,image/gif,image/webp",
                "data-max-files": MAX_FILES,
                "data-max-bytes": MAX_BYTES,
            }
        ),
    )


class SheetForm(forms.Form):
    address = forms.EmailField(
        label="E-mail it to (optional)",
        required=False,
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    due_at = forms.DateTimeField(
        label=f"Send it at ({settings.TIME_ZONE}, optional)",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}),
    )

    def clean_due_at(self) -> datetime | None:
        due_at: datetime | None = self.cleaned_data["due_at"]
        # The current minute is a valid choice, and its start is in the past.
        if due_at and not -timedelta(minutes=1) < due_at - timezone.now() < MAX_WAIT:
            raise ValidationError(
                f"Choose a time within the next {MAX_WAIT // timedelta(minutes=1)} minutes."
            )
        return due_at
