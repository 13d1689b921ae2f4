"""Gives this project other answers, or the newest version of its template.

`make switch` and `make update` run it. What the template makes of the old answers and of the new
ones is compared, and the difference is merged into a copy of the project. Only if that went well,
the project gets it, staged and not committed.
"""

import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.env import fill

PROJECT = Path(__file__).resolve().parent.parent
# In the format of cruft, which reads and writes it, too.
RECORD = ".cruft.json"
LINK = "Link it: uvx cruft link ADDRESS --checkout VERSION"
UV = os.environ.get("UV", "uv")
# Whatever a person's own settings of git are. A file's name says what it is: it is not taken for
# another that looks like it.
GIT_SETTINGS = [
    "core.hooksPath=/dev/null",
    "merge.conflictStyle=diff3",
    "merge.renames=false",
    "rerere.enabled=false",
    "user.email=template@localhost",
    "user.name=template",
]
CONFLICT = re.compile(
    r"^<{7}.*?\n(.*?)^\|{7}.*?\n(.*?)^={7}\n(.*?)^>{7}.*?\n", re.MULTILINE | re.DOTALL
)
LIST_ITEM = re.compile(r'\s*".*",\n')
# A line of .env, or several where its value is in quotes.
VARIABLE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(\w+)=("[^"]*"|'[^']*')?.*$""", re.MULTILINE | re.ASCII
)

Answers = Mapping[str, str | bool]


class Stop(Exception):  # noqa: N818 - it says why nothing was changed, and what to do
    pass


def main(command: str, *words: str) -> int:
    """Runs `switch` or `update` with words such as key=value, and returns the exit code."""
    try:
        with tempfile.TemporaryDirectory() as name:
            commands = {"switch": switch, "update": update}
            commands[command](parse(words), Path(name))
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


def switch(given: dict[str, str], folder: Path) -> None:
    """Gives the project other answers to the template's questions."""
    record = read_record()
    template = clone(given.pop("template", record["template"]), folder)
    checkout(template, record["commit"])
    questions = read_questions(template)
    old = answers_of(record)
    if not given:
        for key, default in questions.items():
            others = [word(value) for value in choices(default) if value != old.get(key)]
            note = f"  or {', '.join(others)}" if others else ""
            print(f"{key:<16}{word(old.get(key, ''))}{note}")
        return
    check(given, questions)
    new = old | {key: typed(value, questions[key]) for key, value in given.items()}
    if new == old:
        raise Stop(f"Nothing to do: the project has {', '.join(sorted(given))} like that already.")
    check_clean()
    before = render(template, old, folder / "before")
    after = render(template, new, folder / "after")
    message = "Switch to " + ", ".join(f"{key}={value}" for key, value in given.items())
    apply(before, after, with_answers(record, new), message, folder)


def update(given: dict[str, str], folder: Path) -> None:
    """Brings the project to the newest version of its template, or to the one that `to` names."""
    record = read_record()
    known = record["template"]
    address = given.pop("template", known)
    version = given.pop("to", "origin/HEAD")
    if given:
        raise Stop(f"{next(iter(given))} is no part of an update: choose to=VERSION or nothing.")
    template = clone(address, folder)
    old_commit = record["commit"]
    new_commit = checkout(template, version)
    if old_commit == new_commit and address == known:
        print("Nothing to do: the project has that version of its template already.")
        return
    check_clean()
    if address != known:
        # A password in the address stays with the person whose it is.
        record["template"] = re.sub("://[^/@]*@", "://", address)
    if old_commit == new_commit:
        (PROJECT / RECORD).write_text(to_text(record), encoding="utf-8")
        git("add", RECORD)
        print(f"{RECORD} has the new address: commit it. The template's version is the same.")
        return
    after = render(template, answers_of(record), folder / "after")
    # With the answers to questions that are new.
    answers = answers_of(json.loads((after / RECORD).read_text(encoding="utf-8")))
    checkout(template, old_commit)
    before = render(template, answers_of(record), folder / "before")
    record = with_answers(record, answers) | {"commit": new_commit}
    name = git("describe", "--tags", "--always", new_commit, cwd=template)
    apply(before, after, record, f"Update the template to {name}", folder)
    changes = git("diff", "--unified=0", old_commit, new_commit, "--", "CHANGELOG.md", cwd=template)
    news = re.findall(r"^\+(?!\+\+)(.*)$", changes, re.MULTILINE)
    print("\nWhat is new, and what is left to do by hand:\n", *news, sep="\n")


def parse(words: Iterable[str]) -> dict[str, str]:
    given = {}
    for text in words:
        key, equals, value = text.partition("=")
        if not equals:
            raise Stop(f"{text!r} is no answer: write KEY=VALUE.")
        given[key] = value
    return given


def read_record() -> dict[str, Any]:
    """Where the project comes from, and of which answers."""
    try:
        record = json.loads((PROJECT / RECORD).read_text(encoding="utf-8"))
        return {"template": record["template"], "commit": record["commit"], **record}
    except FileNotFoundError:
        raise Stop(
            f"{RECORD} is missing, which says where the project comes from. {LINK}"
        ) from None
    except (KeyError, ValueError):
        raise Stop(f"{RECORD} cannot be read. Bring it back by git, or remove it. {LINK}") from None


def to_text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def answers_of(record: Mapping[str, Any]) -> dict[str, str | bool]:
    answers = record["context"]["cookiecutter"].items()
    return {key: value for key, value in answers if not key.startswith("_")}


def with_answers(record: Mapping[str, Any], answers: Answers) -> dict[str, Any]:
    context = {**record["context"]["cookiecutter"], **answers}
    return {**record, "context": {"cookiecutter": context}}


def clone(address: str, folder: Path) -> Path:
    """Fetches the template, with all its versions."""
    template = folder / "template"
    run = subprocess.run(
        ["git", "clone", "--quiet", address, template], capture_output=True, text=True, check=False
    )
    if run.returncode:
        why = run.stderr.strip().splitlines()[-1]
        raise Stop(f"There is no template at {address} ({why}). Say where: template=ADDRESS")
    return template


def checkout(template: Path, version: str) -> str:
    """Puts a version of the template in place, and returns its commit."""
    try:
        git("checkout", "--quiet", "--detach", version, cwd=template)
    except subprocess.CalledProcessError:
        raise Stop(
            f"The template at {git('remote', 'get-url', 'origin', cwd=template)} has no version"
            f" {version}. Say where it is: template=ADDRESS"
        ) from None
    return git("rev-parse", "HEAD", cwd=template)


def read_questions(template: Path) -> dict[str, Any]:
    """Each question with its default, or its choices."""
    questions = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    return {key: value for key, value in questions.items() if not key.startswith("_")}


def choices(default: Any) -> list[str | bool]:
    """What a question allows; nothing stands for any text."""
    if isinstance(default, bool):
        return [True, False]
    return default if isinstance(default, list) else []


def word(answer: str | bool) -> str:
    return str(answer).lower() if isinstance(answer, bool) else answer


def typed(value: str, default: Any) -> str | bool:
    return value == "true" if isinstance(default, bool) else value


def check(given: Mapping[str, str], questions: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if key not in questions:
            raise Stop(f"There is no question {key!r}: {choose(key, list(questions))}")
        allowed = [word(choice) for choice in choices(questions[key])]
        if allowed and value not in allowed:
            raise Stop(f"{key} cannot be {value!r}: {choose(value, allowed)}")


def choose(given: str, allowed: list[str]) -> str:
    """What can be chosen instead of what was given."""
    near = difflib.get_close_matches(given, allowed, 1)
    return f"{f'did you mean {near[0]}? Choose' if near else 'choose'} one of {', '.join(allowed)}."


def check_clean() -> None:
    try:
        changed = git("status", "--porcelain")
        git("rev-parse", "--verify", "--quiet", "HEAD")
    except subprocess.CalledProcessError:
        raise Stop(
            "Nothing could be taken back: put the project into git first, by git init,"
            " git add --all and git commit."
        ) from None
    if changed:
        raise Stop(f"Commit or stash first what you changed, here or elsewhere in git:\n{changed}")


def render(template: Path, answers: Answers, folder: Path) -> Path:
    """What the template makes of the answers, in a new folder."""
    questions = read_questions(template)
    folder.mkdir()
    config = folder / "config.json"
    own = {"cookiecutters_dir": str(folder / "templates"), "replay_dir": str(folder / "replays")}
    config.write_text(json.dumps(own), encoding="utf-8")
    command = [UV, "tool", "run", "--from", "cookiecutter>=2.7,<3", "cookiecutter", "--no-input"]
    places = ["--config-file", config, "--output-dir", folder / "output", template]
    run = subprocess.run(
        [*command, *map(str, places), *escape(answers, questions)],
        capture_output=True,
        text=True,
        check=False,
        # What else it writes goes with the folder, too.
        env={**os.environ, "TMPDIR": str(folder)},
    )
    if run.returncode == 0:
        project = next((folder / "output").iterdir())
        (project / ".env").unlink()
        return project
    told = (run.stderr + run.stdout).strip().splitlines() or ["no reason was given"]
    raise Stop(next((line[7:] for line in told if line.startswith("ERROR: ")), told[-1]))


def escape(answers: Answers, questions: Mapping[str, Any]) -> list[str]:
    """The answers as words for a command that takes text for Jinja."""
    words = []
    for key, answer in answers.items():
        if key in questions:
            is_text = isinstance(questions[key], str)
            quoted = 2 * "{" + json.dumps(answer, ensure_ascii=False) + 2 * "}"
            words.append(f"{key}={quoted if is_text else word(answer)}")
    return words


def apply(before: Path, after: Path, record: Mapping[str, Any], message: str, folder: Path) -> None:
    """Merges what differs between two renderings into the project. Raises Stop if it cannot."""
    left_out = leave_out_removed(before, after)
    prefix = git("rev-parse", "--show-prefix")
    base = commit(before, (PROJECT / RECORD).read_text(encoding="utf-8"), prefix, message)
    wanted = commit(after, to_text(record), prefix, message, "-p", base)
    copy = folder / "copy"
    git("worktree", "add", "--quiet", "--detach", str(copy), "HEAD")
    try:
        merge(wanted, copy)
        lock(copy / prefix)
        git("add", "--all", cwd=copy)
        tree = git("write-tree", cwd=copy)
        env = merge_env(copy / prefix)
    finally:
        git("worktree", "remove", "--force", str(copy))
    git("read-tree", "-m", "-u", "HEAD", tree, cwd=Path(git("rev-parse", "--show-toplevel")))
    print(f"{message}: {git('diff', '--cached', '--shortstat') or 'no file changes'}.")
    if env != read_env(PROJECT / ".env"):
        replace_env(env)
        print(".env has the new values; .env.bak is a copy of the old file.")
    if left_out:
        print("Left out, since the project has it no more:", *left_out, sep="\n    ")
    services = "services " if "\nservices:" in (PROJECT / "Makefile").read_text("utf-8") else ""
    print(f"Look at it by `git diff --cached`, run `make {services}install test`, and commit it.")
    print("Where `make dev` runs, start it again: it knows the old answers.")


def leave_out_removed(before: Path, after: Path) -> list[str]:
    """Takes from both what the project removed, and returns what of it would have changed."""
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
            if texts[0] != texts[1]:
                left_out.append(str(name))
            for tree in (before, after):
                (tree / name).unlink(missing_ok=True)
    return left_out


def read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def commit(rendering: Path, record: str, prefix: str, message: str, *options: str) -> str:
    """Puts a rendering into the project's git, where no branch holds it, and returns its commit."""
    (rendering / RECORD).write_text(record, encoding="utf-8")
    # Where the project lies in its repository.
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


def merge(wanted: str, copy: Path) -> None:
    """Brings what a commit changes into the copy. Raises Stop where the project changed it, too."""
    try:
        git("cherry-pick", "--no-commit", wanted, cwd=copy)
        return
    except subprocess.CalledProcessError:
        states = git("status", "--porcelain", "-z", cwd=copy).split("\0")
    conflicts = []
    for state, name in [(line[:2], line[3:]) for line in states]:
        if state in ("UU", "AA"):
            text = CONFLICT.sub(settle, (copy / name).read_text(encoding="utf-8"))
            (copy / name).write_text(text, encoding="utf-8")
            if CONFLICT.search(text):
                conflicts.append(name)
        elif "U" in state:
            conflicts.append(f"{name} (changed here, and no longer made)")
    if conflicts:
        files = "\n    ".join(conflicts)
        raise Stop(
            f"Nothing was changed: the project and its template changed the same lines of\n"
            f"    {files}\n"
            f"To merge them by hand: git cherry-pick {wanted[:12]}, and what follows from there;"
            f" then uv lock, and take over into .env what .env.example says."
        )


def settle(conflict: re.Match[str]) -> str:
    """A list to which both added: all items. What is none stays a conflict."""
    ours, base, theirs = (part.splitlines(keepends=True) for part in conflict.groups())
    items = all(LIST_ITEM.fullmatch(line) for line in ours + base + theirs)
    if not items or not set(base) <= set(ours):
        return conflict[0]
    kept = [line for line in ours if line not in base or line in theirs]
    both = kept + [line for line in theirs if line not in kept]
    in_order = ours == sorted(ours) and theirs == sorted(theirs)
    return "".join(sorted(both) if in_order else both)


def lock(project: Path) -> None:
    """Brings uv.lock up to date with pyproject.toml."""
    if (project / "uv.lock").exists():
        run = subprocess.run(
            [UV, "lock", "--quiet"], cwd=project, capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise Stop(f"Nothing was changed: uv.lock cannot be made.\n{run.stderr.strip()}")


def merge_env(changed: Path) -> str:
    """What .env is to hold, once .env.example is that of the changed project.

    Variables that are new in the example, or have another value there, get that. What they had is
    kept in a comment, and so is what is gone from the example. All the rest stays as it is.
    """
    old, new, text = map(
        read_env, [PROJECT / ".env.example", changed / ".env.example", PROJECT / ".env"]
    )
    if not text:
        return ""
    was, now, filled = variables(old), variables(new), variables(fill(new))
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


def replace_env(text: str) -> None:
    """Puts another .env in place of this one, which stays beside it as .env.bak."""
    # Where it is a link, what it leads to.
    env = (PROJECT / ".env").resolve()
    write(PROJECT / ".env.bak", env.read_bytes(), 0o600)
    write(env, text.encode(errors="surrogateescape"), env.stat().st_mode & 0o777)


def write(path: Path, content: bytes, mode: int) -> None:
    """Writes a file all or not at all, so that no moment leaves half of it."""
    file, temporary = tempfile.mkstemp(prefix=".env.", dir=path.parent)
    try:
        with open(file, "wb") as output:
            output.write(content)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink()
        raise


def read_env(path: Path) -> str:
    """The text of a file to the byte; "" if there is none."""
    return path.read_bytes().decode(errors="surrogateescape") if path.exists() else ""


def variables(text: str) -> dict[str, str]:
    """The line of each variable that a text sets."""
    return {line[1]: line[0] for line in VARIABLE.finditer(text)}


def git(*arguments: str, cwd: Path | None = None, **environment: str) -> str:
    """What git says about the project, or in another folder. Raises CalledProcessError."""
    settings = [word for setting in GIT_SETTINGS for word in ("-c", setting)]
    run = subprocess.run(
        ["git", *settings, *arguments],
        cwd=cwd or PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
