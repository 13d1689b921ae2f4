"""Change the project in the current folder: other answers, or a newer version of its template.

A project's `scripts/template.py` clones the template and runs the newest version of this file, so
that a fix reaches old projects immediately. Keep the path of this file and its arguments.

`switch` and `update` render the project before and after the change, and merge the difference into
a copy of the project. If that succeeds, the project gets the result, staged but not committed.
"""

import difflib
import io
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROJECT = Path.cwd()
# The clone. Other versions are checked out in it while this runs, so import nothing from it.
TEMPLATE = Path(__file__).resolve().parent.parent
# A fresh clone is on the newest version.
NEWEST = "HEAD"
# In the format of cruft, which also reads and writes this file.
RECORD = ".cruft.json"
DEMO = ("gallery", "tests/gallery")
# In full, because CI may have checked out a commit instead of a branch.
BRANCH = "HEAD:refs/heads/template-update"
MEDIA_ROOT = "from django.conf import settings; print(settings.MEDIA_ROOT)"
UV = os.environ.get("UV", "uv")
# Override the user's git settings. Files are matched by name, without guessing renames.
GIT_SETTINGS = [
    "commit.gpgSign=false",
    "core.hooksPath=/dev/null",
    "merge.conflictStyle=diff3",
    "merge.renames=false",
    "rerere.enabled=false",
    "status.showUntrackedFiles=normal",
    "submodule.recurse=false",
    "user.email=template@localhost",
    "user.name=template",
]
# Git's variables, for example in a hook, except those that help to reach a server.
GIT_VARIABLE = re.compile("GIT_(?!ASKPASS|CONFIG|PROXY|SSH|SSL)")
CONFLICT = re.compile(
    r"^<{7}.*?\n(.*?)^\|{7}.*?\n(.*?)^={7}\n(.*?)^>{7}.*?\n", re.MULTILINE | re.DOTALL
)
LIST_ITEM = re.compile(r'\s*".*",\n')
# A variable of .env. A value in quotes may have several lines.
VARIABLE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(\w+)=("[^"]*"|'[^']*')?.*$""", re.MULTILINE | re.ASCII
)

Answers = Mapping[str, str | bool]


class Abort(Exception):  # noqa: N818
    """Raised by a command that changed nothing. The message has the reason and a fix."""


def main(command: str, *words: str) -> int:
    """Run a command with words such as key=value, and return the exit code."""
    commands = {
        "switch": switch,
        "update": update,
        "propose": propose,
        "outdated": outdated,
        "remove-demo": remove_demo,
    }
    try:
        overrides = parse(words)
        if command == "benchmark":
            return benchmark(overrides)
        with tempfile.TemporaryDirectory() as name:
            commands[command](overrides, Path(name))
    except Abort as reason:
        print(reason, file=sys.stderr)
    except subprocess.CalledProcessError as failed:
        print(f"Nothing was changed: {(failed.stderr or str(failed)).strip()}", file=sys.stderr)
    except BrokenPipeError:
        # Nobody reads the output any more. Python would fail again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"Nothing was changed: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted: nothing was changed.", file=sys.stderr)
        return 130
    else:
        return 0
    return 1


def switch(overrides: dict[str, str], folder: Path) -> None:
    """Change the project's answers to the template's questions."""
    record = read_record()
    overrides.pop("template", None)
    checkout(record["commit"])
    questions = read_questions()
    old = answers_of(record)
    check({key: value for key, value in old.items() if key in questions}, questions, f"{RECORD}: ")
    changes = {key: coerce(value, questions.get(key)) for key, value in overrides.items()}
    check(changes, questions)
    before, _ = render(old, folder / "before")
    # The record of cruft or of an older version may differ from the answers that were used.
    old = answers_made(before)
    if not changes:
        for key, default in questions.items():
            others = [to_cli(value) for value in choices(default) if value != old.get(key)]
            note = f"  or {', '.join(others)}" if others else ""
            print(f"{key:<16}{to_cli(old.get(key, ''))}{note}")
        return
    if old | changes == old:
        print(f"Nothing to do: the project already has this {', '.join(sorted(changes))}.")
        return
    check_clean()
    after, notes = render(old | changes, folder / "after")
    new = answers_made(after)
    if new == old:
        raise Abort("\n".join([*notes, "Nothing was changed."]))
    message = "Switch to " + ", ".join(f"{key}={value}" for key, value in overrides.items())
    apply(before, after, with_answers(record, new), message, folder)
    if new.get("database") != old.get("database"):
        notes.append(
            "No data was moved: the old database is untouched. manage.py dumpdata and loaddata"
            " copy it."
        )
    print(*notes, sep="\n")


def remove_demo(overrides: dict[str, str], folder: Path) -> None:
    """Remove the demo like `switch demo=false`, with its tables, uploads and your edits of it."""
    record = read_record()
    check_options(overrides, "remove-demo")
    old = answers_of(record)
    if not old.get("demo"):
        raise Abort("Nothing to do: the project has no demo.")
    check_clean()
    checkout(record["commit"])
    before, _ = render(old, folder / "before")
    after, _ = render(old | {"demo": False}, folder / "after")
    media = manage("shell", "--verbosity", "0", "--command", MEDIA_ROOT).splitlines()[-1]
    plan = manage("migrate", "gallery", "zero", "--plan")
    if others := set(re.findall(r"^(\w+)\.", plan, re.MULTILINE)) - {"gallery"}:
        raise Abort(
            f"Nothing was changed: migrations of {', '.join(sorted(others))} depend on those of the"
            " gallery, so their tables would be deleted, too. Remove these dependencies first."
        )

    def drop_tables() -> None:
        # Before the code of their migrations is deleted.
        manage("migrate", "gallery", "zero", "--verbosity", "0")

    record = with_answers(record, {"demo": False})
    apply(before, after, record, "Remove the demo", folder, DEMO, drop_tables)
    for leftover in (*(PROJECT / name for name in DEMO), Path(media, "gallery")):
        shutil.rmtree(leftover, ignore_errors=True)
    print(
        "The demo's tables and uploads are deleted. Wherever else it ran, run `manage.py migrate"
        " gallery zero` and delete the uploads before you deploy this change."
    )


def check_options(overrides: dict[str, str], command: str) -> None:
    """Raise Abort for an option of a command that has none but the template's address."""
    for option in overrides:
        if option != "template":
            raise Abort(f"{option} is not an option of {command}: it has only template=ADDRESS.")


def manage(*words: str) -> str:
    """Run manage.py, and return its output. Raises Abort if it fails."""
    command = [UV, "run", "manage.py", *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no reason was given").splitlines()
        raise Abort(f"Nothing was changed: manage.py {words[0]} failed ({reason[-1]}).")
    return done.stdout.strip()


def outdated(overrides: dict[str, str], folder: Path) -> None:
    """Check for a newer version of the template. Raises Abort if there is one."""
    check_options(overrides, "outdated")
    if read_record()["commit"] != checkout(NEWEST):
        raise Abort("The template has a newer version: run make update.")
    print("The project is on the newest version of its template.")


def update(overrides: dict[str, str], folder: Path) -> None:
    """Update the project to the newest version of its template, or to the version `to`."""
    record = read_record()
    known = record["template"]
    address = without_login(overrides.pop("template", "") or known)
    version = overrides.pop("to", "") or NEWEST
    if overrides:
        raise Abort(
            f"{next(iter(overrides))} is not an option of update: write to=VERSION, or"
            " template=ADDRESS."
        )
    old_commit = record["commit"]
    new_commit = checkout(version)
    if old_commit == new_commit and address == known:
        print("Nothing to do: the project is on this version of its template.")
        return
    check_clean()
    if address != known:
        record["template"] = address
    if old_commit == new_commit:
        (PROJECT / RECORD).write_text(to_text(record), encoding="utf-8")
        git("add", RECORD)
        print(f"{RECORD} has the new address: commit it. The template's version is the same.")
        return
    answers = answers_of(record)
    after, notes = render(answers, folder / "after")
    # With the answers to new questions.
    record = with_answers(record, answers_made(after)) | {"commit": new_commit}
    checkout(old_commit)
    before, known = render(answers, folder / "before")
    name = git("describe", "--tags", "--always", new_commit, cwd=TEMPLATE)
    apply(before, after, record, f"Update the template to {name}", folder)
    for note in notes:
        if note not in known:
            print(note)
    diff = ("diff-tree", "--no-ext-diff", "--unified=0", old_commit, new_commit)
    changes = git(*diff, "--", "CHANGELOG.md", cwd=TEMPLATE)
    news = re.findall(r"^\+(?!\+\+)(.*)$", changes, re.MULTILINE)
    if news:
        print("\nChanges in this version, and steps for you to do by hand:\n", *news, sep="\n")


def propose(overrides: dict[str, str], folder: Path) -> None:
    """Open an update as a pull request on GitHub, or as a merge request on GitLab."""
    gitlab = os.environ.get("CI_SERVER_URL", "")
    scheme, _, host = gitlab.partition("://")
    if not host and "GITHUB_ACTIONS" not in os.environ:
        raise Abort("Run this in GitHub Actions or in GitLab CI; here, run make update.")
    if host and not os.environ.get("TEMPLATE_TOKEN"):
        raise Abort("TEMPLATE_TOKEN is not set: add a project access token in GitLab's settings.")
    with redirect_stdout(io.StringIO()) as output:
        update(overrides, folder)
    news = output.getvalue()
    print(news, end="", flush=True)
    if not git("diff-index", "--cached", "--name-only", "HEAD"):
        return
    name, email = (
        ("template-update", f"template-update@noreply.{urlsplit(gitlab).hostname}")
        if host
        else ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
    )
    identity = ["-c", f"user.name={name}", "-c", f"user.email={email}"]
    git(*identity, "commit", "--quiet", "--message", f"Update the template\n\n{news}")
    if host:
        address = f"{scheme}://token:{os.environ['TEMPLATE_TOKEN']}@{host}"
        address += f"/{os.environ['CI_PROJECT_PATH']}.git"
        options = ["--force", "--push-option", "merge_request.create"]
        run("git", "push", *options, address, BRANCH)
        return
    run("gh", "auth", "setup-git")
    run("git", "push", "--force", "origin", BRANCH)
    view = ["gh", "pr", "view", "template-update", "--json", "state", "--jq", ".state"]
    shown = subprocess.run(view, cwd=PROJECT, capture_output=True, text=True, check=False)
    if "OPEN" not in shown.stdout:
        body = folder / "news"
        body.write_text(news, encoding="utf-8")
        request = ["--head", "template-update", "--title", "Update the template"]
        run("gh", "pr", "create", *request, "--body-file", str(body))


def run(*command: str) -> None:
    """Run a command in the project, with its output shown. Raises Abort if it fails."""
    done = subprocess.run(command, cwd=PROJECT, env=environment(), check=False)
    if done.returncode:
        raise Abort(f"{' '.join(command[:3])} failed with exit code {done.returncode}.")


def benchmark(overrides: dict[str, str]) -> int:
    """Run `manage.py benchmark` in the project. `save=FILE` becomes its option `--save FILE`."""
    overrides.pop("template", None)
    try:
        options = [
            part for key, value in overrides.items() for part in (f"--{key}", *shlex.split(value))
        ]
    except ValueError as error:
        raise Abort(f"An option is not quoted as in a shell: {error}.") from None
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings.local")
    # Ctrl-C stops the command, which removes its queues first.
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.run(
        [UV, "run", "manage.py", "benchmark", *options],
        cwd=PROJECT,
        env=os.environ | benchmark_environment(settings),
        check=False,
    ).returncode


def benchmark_environment(settings: str) -> dict[str, str]:
    """Return the variables that add the benchmark to a project with these settings."""
    folders = [str(TEMPLATE / "benchmarks" / "project"), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, folders)),
        "DJANGO_SETTINGS_MODULE": "task_benchmark.settings",
        "BENCHMARK_SETTINGS": settings,
    }


def parse(words: Iterable[str]) -> dict[str, str]:
    """Parse words such as key=value. Raises Abort for any other word."""
    overrides = {}
    for text in words:
        key, equals, value = text.partition("=")
        if not equals:
            raise Abort(f"{text!r} is not an answer: write KEY=VALUE.")
        overrides[key] = value
    return overrides


def read_record() -> dict[str, Any]:
    """Return the template, its version and the answers that made the project."""
    record: dict[str, Any] = json.loads((PROJECT / RECORD).read_text(encoding="utf-8"))
    try:
        complete = bool(answers_of(record)) and isinstance(record["commit"], str)
    except (AttributeError, KeyError, TypeError):
        complete = False
    if not complete:
        raise Abort(f"{RECORD} has no answers or no version: restore it from git.")
    return record


def to_text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def answers_of(record: Mapping[str, Any]) -> dict[str, str | bool]:
    answers = record["context"]["cookiecutter"].items()
    return {key: value for key, value in answers if not key.startswith("_")}


def answers_made(project: Path) -> dict[str, str | bool]:
    """Return the answers that a rendered project was made with."""
    return answers_of(json.loads((project / RECORD).read_text(encoding="utf-8")))


def with_answers(record: Mapping[str, Any], answers: Answers) -> dict[str, Any]:
    context = {**record["context"]["cookiecutter"], **answers}
    return {**record, "context": {"cookiecutter": context}}


def checkout(version: str) -> str:
    """Check out a version of the template, and return its commit."""
    try:
        commit = git("rev-parse", "--verify", f"{version}^{{commit}}", cwd=TEMPLATE)
    except subprocess.CalledProcessError:
        # The user's git settings may give the remote another name than origin.
        address = git("remote", "get-url", git("remote", cwd=TEMPLATE), cwd=TEMPLATE)
        raise Abort(
            f"The template at {without_login(address)} has no version {version}. Give the address"
            " of one that does: template=ADDRESS"
        ) from None
    git("checkout", "--quiet", "--detach", commit, cwd=TEMPLATE)
    return commit


def read_questions() -> dict[str, Any]:
    """Return the default or the choices of each question."""
    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    return {key: value for key, value in questions.items() if not key.startswith("_")}


def choices(default: Any) -> list[str | bool]:
    """Return the choices of a question. Free text has none."""
    if isinstance(default, bool):
        return [default, not default]
    return default if isinstance(default, list) else []


def to_cli(answer: str | bool) -> str:
    """Return an answer as it is written on the command line."""
    return str(answer).lower() if isinstance(answer, bool) else answer


def coerce(word: str, default: Any) -> str | bool:
    """Convert `true` and `false` to a boolean if the question's default is one."""
    words: dict[str, bool] = {"true": True, "false": False} if isinstance(default, bool) else {}
    return words.get(word, word)


def check(answers: Mapping[str, Any], questions: Mapping[str, Any], place: str = "") -> None:
    """Raise Abort for a question or a value that does not exist. Messages begin with `place`."""
    for key, value in answers.items():
        if key not in questions:
            raise Abort(f"{place}There is no question {key!r:.200}: {suggest(key, questions)}")
        allowed = choices(questions[key])
        if allowed and not any(
            value == choice and type(value) is type(choice) for choice in allowed
        ):
            suggestion = suggest(to_cli(value), map(to_cli, allowed))
            raise Abort(f"{place}{key} cannot be {json.dumps(value):.200}: {suggestion}")


def suggest(value: object, allowed: Iterable[str]) -> str:
    """Return a sentence with the allowed values, and the one that is most like `value`."""
    allowed = list(allowed)
    near = difflib.get_close_matches(str(value), allowed, 1)
    return f"{f'did you mean {near[0]}? Choose' if near else 'choose'} one of {', '.join(allowed)}."


def check_clean() -> None:
    """Raise Abort unless the whole project is committed, so that git can undo the change."""
    try:
        changed = git("status", "--porcelain")
        git("rev-parse", "--verify", "--quiet", "HEAD")
    except subprocess.CalledProcessError as failed:
        raise Abort(
            "Nothing was changed, because git could not undo it: put the project into git first,"
            f" with git init, git add --all and git commit.\n{failed.stderr}".rstrip()
        ) from None
    if changed:
        raise Abort(f"Nothing was changed: commit or stash your changes first.\n{changed}")


def render(answers: Answers, folder: Path) -> tuple[Path, list[str]]:
    """Make a project in a new folder with the version that is checked out.

    Returns the project, and notes on differences from the answers. Raises Abort if it fails.
    """
    questions = read_questions()
    folder.mkdir()
    file = folder / "config.json"
    config = {"cookiecutters_dir": str(folder / "templates"), "replay_dir": str(folder / "replays")}
    file.write_text(json.dumps(config), encoding="utf-8")
    command = [UV, "tool", "run", "--from", "cookiecutter>=2.7,<3", "cookiecutter", "--no-input"]
    places = ["--config-file", file, "--output-dir", folder / "output", TEMPLATE]
    made = subprocess.run(
        [*command, *map(str, places), *escape(answers, questions)],
        capture_output=True,
        text=True,
        check=False,
        # Its temporary files are deleted with the folder.
        env={**environment(), "TMPDIR": str(folder)},
    )
    if made.returncode == 0:
        project = next((folder / "output").iterdir())
        (project / ".env").unlink()
        return project, re.findall(r"^Note: (.+)$", made.stdout, re.MULTILINE)
    output = (made.stderr + made.stdout).strip().splitlines() or ["no reason was given"]
    raise Abort(next((line[7:] for line in output if line.startswith("ERROR: ")), output[-1]))


def escape(answers: Answers, questions: Mapping[str, Any]) -> list[str]:
    """Return the answers as arguments for cookiecutter, which renders text as Jinja."""
    words = []
    for key, answer in answers.items():
        if key in questions:
            is_text = isinstance(questions[key], str)
            quoted = 2 * "{" + json.dumps(answer, ensure_ascii=False) + 2 * "}"
            words.append(f"{key}={quoted if is_text else to_cli(answer)}")
    return words


def apply(
    before: Path,
    after: Path,
    record: Mapping[str, Any],
    message: str,
    folder: Path,
    deleted: tuple[str, ...] = (),
    last_step: Callable[[], None] = lambda: None,
) -> None:
    """Merge the difference between two renderings into the project. Raises Abort on a conflict.

    Edits in deleted folders are deleted, too. The last step runs after a successful merge, before
    the project gets the result.
    """
    left_out = leave_out_removed(before, after)
    prefix = git("rev-parse", "--show-prefix")
    base = commit(before, (PROJECT / RECORD).read_text(encoding="utf-8"), prefix, message)
    wanted = commit(after, to_text(record), prefix, message, "-p", base)
    copy = folder / "copy"
    git("worktree", "add", "--quiet", "--detach", str(copy), "HEAD")
    try:
        merge(wanted, copy, tuple(f"{prefix}{name}/" for name in deleted))
        for name in deleted:
            git("rm", "-r", "--quiet", "--force", "--ignore-unmatch", name, cwd=copy / prefix)
        lock(copy / prefix)
        git("add", "--all", cwd=copy)
        tree = git("write-tree", cwd=copy)
        env = merge_env(copy / prefix)
    finally:
        git("worktree", "remove", "--force", str(copy))
    root = Path(git("rev-parse", "--show-toplevel"))
    check_ignored(tree, root)
    # A dry run, since git refuses to change some files of a clean project.
    git("read-tree", "-m", "-u", "--dry-run", "HEAD", tree, cwd=root)
    with uninterrupted(), new_env(env) as has_new_env:
        last_step()
        git("read-tree", "-m", "-u", "HEAD", tree, cwd=root)
    print(
        f"{message}: {git('diff-index', '--cached', '--shortstat', 'HEAD') or 'no file changes'}."
    )
    if has_new_env:
        print(".env has the new values; .env.bak is a copy of the old file.")
    if left_out:
        print("Left out, because the project removed these files:", *left_out, sep="\n    ")
    services = "services " if "\nmake services\n" in read_env(PROJECT / "README.md") else ""
    print(f"Review it with `git diff --cached`, run `make {services}install test`, and commit it.")
    print("Restart `make dev` if it is running: it still has the old answers.")


def check_ignored(tree: str, root: Path) -> None:
    """Raise Abort if the change would overwrite files that git ignores."""
    names = ["diff-tree", "-r", "-z", "--name-only", "--diff-filter=A", "HEAD", tree]
    added = filter(None, git(*names, cwd=root).split("\0"))
    if in_the_way := [name for name in added if os.path.lexists(root / name)]:
        files = "\n    ".join(in_the_way)
        raise Abort(
            "Nothing was changed: git ignores these files, and the template would overwrite them:\n"
            f"    {files}\nMove them elsewhere first."
        )


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C, so that the project gets the whole change or nothing."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def leave_out_removed(before: Path, after: Path) -> list[str]:
    """Delete the files that the project removed from both, and return those that would change."""
    names = {
        path.relative_to(tree)
        for tree in (before, after)
        for path in tree.rglob("*")
        if path.is_file()
    }
    removed = {
        path.relative_to(before)
        for path in before.rglob("*")
        if not (PROJECT / path.relative_to(before)).exists()
    }
    left_out = []
    for name in sorted(names):
        if not removed.isdisjoint([name, *name.parents]):
            texts = [read(tree / name) for tree in (before, after)]
            if texts[1] not in (None, texts[0]):
                left_out.append(str(name))
            for tree in (before, after):
                (tree / name).unlink(missing_ok=True)
    return left_out


def read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def commit(rendering: Path, record: str, prefix: str, message: str, *options: str) -> str:
    """Commit a rendering to the project's git, on no branch, and return the commit."""
    (rendering / RECORD).write_text(record, encoding="utf-8")
    # The project may be a subfolder of its repository.
    root = rendering.parent.parent / "tree"
    (root / prefix).parent.mkdir(parents=True, exist_ok=True)
    rendering.rename(root / prefix)
    place = {
        "GIT_DIR": git("rev-parse", "--absolute-git-dir"),
        "GIT_WORK_TREE": str(root),
        "GIT_INDEX_FILE": str(root.with_name("index")),
    }
    git("add", "--all", "--force", cwd=root, **place)
    tree = git("write-tree", cwd=root, **place)
    return git("commit-tree", tree, "-m", message, *options)


def merge(wanted: str, copy: Path, deleted: tuple[str, ...]) -> None:
    """Apply a commit to the copy. Raises Abort if the project changed the same lines.

    Files in deleted folders do not conflict.
    """
    try:
        git("cherry-pick", "--no-commit", wanted, cwd=copy)
        return
    except subprocess.CalledProcessError:
        states = git("status", "--porcelain", "-z", cwd=copy).split("\0")
    conflicts = []
    for state, name in [(line[:2], line[3:]) for line in states]:
        if deleted and name.startswith(deleted):
            continue
        if state in ("UU", "AA"):
            text = CONFLICT.sub(merge_list_conflict, (copy / name).read_text(encoding="utf-8"))
            (copy / name).write_text(text, encoding="utf-8")
            if CONFLICT.search(text):
                conflicts.append(name)
        elif "U" in state:
            conflicts.append(f"{name} (changed here, deleted by the template)")
    if conflicts:
        files = "\n    ".join(conflicts)
        raise Abort(
            f"Nothing was changed: the project and its template changed the same lines of\n"
            f"    {files}\n"
            f"To merge by hand: git cherry-pick {wanted[:12]}, resolve the conflicts, run uv lock,"
            f" and copy new values of .env.example to .env."
        )


def merge_list_conflict(conflict: re.Match[str]) -> str:
    """Keep both sides' items if both added to a list. Leave any other conflict unresolved."""
    ours, base, theirs = (part.splitlines(keepends=True) for part in conflict.groups())
    items = all(LIST_ITEM.fullmatch(line) for line in ours + base + theirs)
    if not items or not set(base) <= set(ours):
        return conflict[0]
    kept = [line for line in ours if line not in base or line in theirs]
    both = kept + [line for line in theirs if line not in kept]
    in_order = ours == sorted(ours) and theirs == sorted(theirs)
    return "".join(sorted(both) if in_order else both)


def lock(project: Path) -> None:
    """Update uv.lock to pyproject.toml."""
    if (project / "uv.lock").exists():
        locked = subprocess.run(
            [UV, "lock", "--quiet"], cwd=project, capture_output=True, text=True, check=False
        )
        if locked.returncode:
            raise Abort(f"Nothing was changed: uv lock failed.\n{locked.stderr.strip()}")


def merge_env(changed: Path) -> str:
    """Return the text of .env, updated to the .env.example of the changed project.

    A variable that is new in the example, or changed there, gets the new value. Old values and
    variables that the example no longer has become comments. Everything else stays as it is.
    """
    old, new, text = map(
        read_env, [PROJECT / ".env.example", changed / ".env.example", PROJECT / ".env"]
    )
    if not text:
        return ""
    was, now = variables(old), variables(new)
    filled = variables(fill(new, secrets_of(was, variables(text))))
    others = {key for key in was | now if was.get(key) != now.get(key)}
    missing = {key: filled[key] for key in now if key in others}

    def edit(line: re.Match[str]) -> str:
        if line[1] not in others:
            return line[0]
        commented = re.sub("^", "# ", line[0], flags=re.MULTILINE)
        return f"{commented}\n{missing.pop(line[1])}" if line[1] in missing else commented

    text = VARIABLE.sub(edit, text)
    if missing:
        text += "\n".join(["" if text.endswith("\n") else "\n", *missing.values(), ""])
    return text


@contextmanager
def new_env(text: str) -> Iterator[bool]:
    """Replace .env after the block, unless that fails, and keep the old one as .env.bak.

    Yields whether they differ. All is written before, so that a full disk changes nothing.
    """
    # Follow a symbolic link.
    env = (PROJECT / ".env").resolve()
    if text == read_env(env):
        yield False
        return
    with written(PROJECT, env.read_bytes(), 0o600) as backup:
        backup.replace(PROJECT / ".env.bak")
    content, mode = text.encode(errors="surrogateescape"), env.stat().st_mode & 0o777
    with written(env.parent, content, mode) as file:
        yield True
        file.replace(env)


@contextmanager
def written(folder: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Write a temporary file beside the one that it replaces, and delete it after an error."""
    file, name = tempfile.mkstemp(prefix=".env.", dir=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
        Path(name).chmod(mode)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def read_env(path: Path) -> str:
    """Return the text of a file with all its bytes; "" if it does not exist."""
    return path.read_bytes().decode(errors="surrogateescape") if path.exists() else ""


def secrets_of(examples: Mapping[str, str], lines: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets in lines of .env, by the <NAME> that they have in those of its example."""
    known: dict[str, str] = {}
    for key, example in examples.items():
        pattern = re.sub("<[A-Z_]+>", r"([^\\s:@]+)", re.escape(example))
        if match := re.fullmatch(pattern, lines.get(key, "")):
            known |= zip(re.findall("<([A-Z_]+)>", example), match.groups(), strict=True)
    return known


def fill(example: str, known: Mapping[str, str]) -> str:
    """Replace each <NAME> with its secret, or with a random one, as `scripts/env.py` does."""
    values = defaultdict(lambda: secrets.token_hex(32), known)
    return re.sub(r"<([A-Z_]+)>", lambda match: values[match[1]], example)


def variables(text: str) -> dict[str, str]:
    """Return the lines of a text that set variables, by name."""
    return {line[1]: line[0].rstrip("\r") for line in VARIABLE.finditer(text)}


def without_login(address: str) -> str:
    """Remove the name and the password from an address, except for ssh, which needs the name."""
    return re.sub(r"(?<!ssh)://[^/\s]*@", "://", address)


def environment() -> dict[str, str]:
    """Return the environment for programs that choose git's repository themselves."""
    return {key: value for key, value in os.environ.items() if not GIT_VARIABLE.match(key)}


def git(*arguments: str, cwd: Path | None = None, **variables: str) -> str:
    """Run git in the project or another folder, and return its output.

    Raises CalledProcessError.
    """
    settings = [word for setting in GIT_SETTINGS for word in ("-c", setting)]
    done = subprocess.run(
        ["git", *settings, *arguments],
        cwd=cwd or PROJECT,
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
