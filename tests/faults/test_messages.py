"""Any message runs, fails as a task or becomes a dead letter, and the worker keeps running."""

import json
from base64 import b64encode
from random import randrange
from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from tests.faults import on_every_broker
from tests.faults.conftest import HERE
from tests.faults.site import PROCESSES, Site
from tests.helpers.hostile import unhurried

MESSAGES = 1000
SECRET = "a secret argument"

LETTERS = """
import json
from task_queue.models import DeadLetter
letters = DeadLetter.objects.filter(quarantined=True)
contents = [json.loads(letter.signature) for letter in letters]
print(json.dumps([[content["headers"]["number"], content["body"]] for content in contents]))
"""

# Limited to values that every broker can carry.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["gzip", "0001-01-01T00:00:00+14:00", "2020-01-01", "x" * 300, ["1", "1"]])
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
tasks = st.sampled_from(["tests.faults.work"] * 5 + ["no.task", "celery.chain", "celery.group"])
fields = """
    task id lang root_id parent_id group group_index retries timelimit expires argsrepr kwargsrepr
    origin ignore_result shadow stamps stamped_headers replaced_task_nesting compression headers
    __django_structlog__ delivery_info reply_to correlation_id is_eager chord callbacks
""".split()
foreign = st.dictionaries(st.sampled_from(fields), values, max_size=2)
sound = st.fixed_dictionaries({"task": tasks, "id": st.uuids().map(str)})
arguments = st.fixed_dictionaries({"args": st.just([SECRET]), "kwargs": st.just({}) | values})
headers = st.one_of(st.builds(dict.__or__, sound, foreign), sound, foreign)
bodies = st.one_of(
    st.tuples(st.just([SECRET]), st.just({}), foreign).map(json.dumps),
    st.tuples(values, st.just(SECRET), values).map(json.dumps),
    # Celery's first protocol.
    st.builds(lambda *parts: json.dumps(parts[0] | parts[1] | parts[2]), sound, arguments, foreign),
    st.integers(1, 100_000).map(lambda depth: "[" * depth + SECRET),
    texts.map(lambda text: SECRET + text),
    st.just(""),
)
messages = st.fixed_dictionaries(
    {
        "headers": headers,
        "body": bodies,
        "content_type": st.sampled_from(["application/json"] * 9 + ["text/plain"]),
        "content_encoding": st.sampled_from(
            ["utf-8"] * 9 + ["binary", "rot13", "utf-16", "latin-1", "none"]
        ),
    }
)


def make_messages(number: int) -> list[dict[str, Any]]:
    """Return random messages, reproducible by the seed."""
    made: list[dict[str, Any]] = []

    @seed(number)
    @settings(unhurried, max_examples=MESSAGES, database=None, phases=[Phase.generate])
    @given(messages)
    def make(message: dict[str, Any]) -> None:
        made.append(message | {"headers": message["headers"] | {"number": len(made)}})

    make()
    return made


@on_every_broker()
def test_any_message_is_accounted_for(site: Site) -> None:
    number = randrange(10**6)
    sent = make_messages(number)
    lines, taken = site.folder / "messages", site.folder / "taken"
    lines.write_text("\n".join(map(json.dumps, sent)))
    taken.touch()
    site.env["TAKEN"] = str(taken)
    worker = site.start_worker()
    site.python("-c", (HERE / "publish.py").read_text(), str(lines))
    site.wait_until_nothing_is_queued()
    ran = {int(number) for number in taken.read_text().split()}
    pairs = json.loads(site.shell(LETTERS))
    letters = dict(pairs)
    print(f"seed {number}: {len(sent)} sent, {len(ran)} ran, {len(letters)} dead letters")
    lost = set(range(len(sent))) - ran - set(letters)
    assert [sent[number] for number in lost] == []
    assert len(letters) == len(pairs)
    bodies = {number: b64encode(sent[number]["body"].encode()).decode() for number in letters}
    assert letters == bodies
    # All processes can still run tasks.
    site.send("hold", str(site.folder / "end"), count=PROCESSES)
    site.wait_until(lambda: len(site.running()) == PROCESSES, "all processes run a task")
    (site.folder / "end").touch()
    site.wait_for_finished(PROCESSES)
    log = worker.log.read_text(errors="replace")
    assert log.count("ready.") == 1
    assert SECRET not in log
