"""Files that git ignores are not published."""

from pathlib import Path

from tests.helpers.published import in_image, tracked
from tools.generate import render


def test_files_that_git_ignores_are_not_in_the_image(tmp_path: Path) -> None:
    files = render({})
    for ignore in (".dockerignore", ".gitignore"):
        (tmp_path / ignore).write_text(files[ignore])
    lines = files[".gitignore"].splitlines()
    patterns = [line for line in lines if line and not line.startswith(("#", "!"))]
    # Patterns that end in a slash match only folders.
    names = {pattern.replace("*", "x").replace("/", "/file") for pattern in patterns}
    names |= {".env", ".env.bak", ".env.production", "secrets.env", "staging.env"}
    private = {
        tmp_path / folder / name
        for folder in ("", "reports", "deploy/overlays/production")
        for name in names
    }
    public = tmp_path / "reports/models.py"
    for path in (public, *private):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert set(tracked(tmp_path)).isdisjoint(private)
    let_in = in_image(tmp_path)
    assert public in let_in
    assert private.isdisjoint(let_in)
