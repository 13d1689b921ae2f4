"""Typical edits of a team to a new project."""

from pathlib import Path

# The first is next to lines that depend on the result backend.
DEPENDENCIES = ['    "django-cors-headers>=4",\n', '    "requests>=2.32",\n']
SERVICE = """\
  # Catches e-mail.
  mailpit:
    image: axllent/mailpit
    ports: ["127.0.0.1:8025:8025"]

"""
PARAGRAPH = "\n## Who to ask\n\nAda, in room 101.\n"
TASKS = """\
from celery import shared_task


@shared_task
def send_report(report_id: int) -> None: ...
"""
# Additional lines of .env.
ENV = """\
# Ours
S3_BUCKET=pictures
OAUTH2_CLIENT_SECRET=a=b#c
http_proxy=http://proxy:3128
export TOKEN=secret
lower_case='a b'
  # An example: CELERY_BROKER_URL=
CERTIFICATE="-----BEGIN CERTIFICATE-----
CELERY_BROKER_URL=
-----END CERTIFICATE-----"
PRIVATE_KEY='-----BEGIN PRIVATE KEY-----
QUEUE_PREFIX=
LOG_LEVEL=
-----END PRIVATE KEY-----'
"""


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs once in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} contains {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def edit(project: Path) -> None:
    """Make edits next to lines of the template."""
    edit_celery(project)
    edit_others(project)


def edit_celery(project: Path) -> None:
    """Edit the settings of Celery."""
    celery = project / "config/settings/celery.py"
    routes = 'CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {"reports.*": {"queue": "slow"}}'
    replace(celery, "CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {}", routes)
    replace(celery, 'MAX_RESTARTS", default=5', 'MAX_RESTARTS", default=3')
    replace(celery, "\n# Results: ", "CELERY_WORKER_LOG_COLOR = False\n\n# Results: ")


def edit_others(project: Path) -> None:
    """Edit files other than the settings of Celery."""
    app = project / "reports"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "tasks.py").write_text(TASKS)
    base = project / "config/settings/base.py"
    replace(base, "\n]\n\nMIDDLEWARE", '\n    "reports",\n]\n\nMIDDLEWARE')
    replace(base, 'LANGUAGE_CODE = "en"', 'LANGUAGE_CODE = "en-gb"')
    pyproject = project / "pyproject.toml"
    lines = pyproject.read_text(encoding="utf-8").splitlines(keepends=True)
    start, end = lines.index("dependencies = [\n") + 1, lines.index("]\n")
    end = lines.index("]\n", start)
    lines[start:end] = sorted([*lines[start:end], *DEPENDENCIES])
    pyproject.write_text("".join(lines), encoding="utf-8")
    replace(project / "compose.yaml", "\nvolumes:\n  data:\n", f"\n{SERVICE}volumes:\n  data:\n")
    replace(project / "README.md", "\n## License\n", f"{PARAGRAPH}\n## License\n")
    replace(project / ".env.example", "# Celery\n", "REPORTS_FOLDER=reports\n\n# Celery\n")
    (project / "uv.lock").unlink(missing_ok=True)
