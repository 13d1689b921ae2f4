"""What visitors may send. Whether a file is a picture is for a worker to find out."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

MAX_FILES = 20
MAX_BYTES = 10 * 1024 * 1024
# When an e-mail may be sent, in seconds.
DELAYS = [(0, "at once"), (60, "in a minute"), (600, "in ten minutes")]


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, none of them empty or too large."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = [super(FilesField, self).clean(file, initial) for file in data or [None]]
        problems = [problem for file in files if (problem := self.problem(file))]
        if len(files) > MAX_FILES:
            problems = [f"These are {len(files)} files: upload {MAX_FILES} at a time."]
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
            {"accept": "image/jpeg,image/png,image/gif,image/webp", "data-max-files": MAX_FILES}
        ),
    )


class SheetForm(forms.Form):
    address = forms.EmailField(label="E-mail it to (optional)", required=False)
    delay = forms.TypedChoiceField(
        label="When",
        coerce=int,
        choices=DELAYS,
    )
