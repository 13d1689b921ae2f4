"""Security headers in production."""

import os
import re
import subprocess
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.helpers.running import running
from tools.progress import STUCK_SECONDS
from tools.servers.server import HOST, free_port
from tools.services import read_env
from tools.trial.processes import python


@pytest.mark.exhaustive
def test_the_deploy_guide_works_and_pages_are_safe(project: Path, tmp_path: Path) -> None:
    port = free_port()
    environment = read_env(project) | {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "ALLOWED_HOSTS": "example.com",
        "ADMIN_URL": "/office",
        # Not a writable folder.
        "HOME": os.devnull,
    }
    guide = (project / "docs" / "deploy.md").read_text(encoding="utf-8")
    release = guide.partition("\n## Release\n")[2].partition("\n## ")[0]
    for command in re.findall(r"`python (manage\.py .+?)`", release):
        command_line = [python(project), *command.split(), "--verbosity", "0"]
        subprocess.run(command_line, cwd=project, env=os.environ | environment, check=True)

    def get(path: str) -> HTTPResponse:
        """Return the response to a request that a proxy forwards."""
        headers = {"Host": "example.com", "X-Forwarded-Proto": "https"}
        connection = HTTPConnection(HOST, port, timeout=STUCK_SECONDS)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    gunicorn = ("-m", "gunicorn", "config.wsgi", "--bind", f"{HOST}:{port}")
    with running(project, tmp_path / "log", "Booting worker", *gunicorn, **environment):
        for path in ("/office/login/", "/"):
            page = get(path)
            assert page.status == 200
            assert "default-src 'self'" in page.headers["Content-Security-Policy"].split("; ")
            assert page.headers["Strict-Transport-Security"].startswith("max-age=3600;")
            assert page.headers["Referrer-Policy"] == "same-origin"
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert page.headers["X-Frame-Options"] == "DENY"
            assert {"Secure", "SameSite=Lax"} <= set(page.headers["Set-Cookie"].split("; "))
            # The policy forbids inline scripts and styles.
            assert not re.search(
                r"<style|<script(?![^>]* src=)| style=| on[a-z]+=", page.read().decode()
            )
        assert get("/admin/login/").status == 404
    assert '"level": "error"' not in (tmp_path / "log").read_text()
