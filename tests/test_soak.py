"""`make soak` refuses bad options in one line, and stops all that it started."""

import signal
import sys
from pathlib import Path

import pytest

from tools import soak
from tools.generate import ROOT
from tools.process import Process

# It stands in for `make test`.
MAKE = """\
#!/bin/sh
echo $$ > {}
exec sleep infinity
"""


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("time=1", "'time=1' is not an option: write one of times="),
        ("times=0", "times cannot be '0': give a number, 1 or more."),
        ("times=many", "times cannot be 'many': give a number, 1 or more."),
        ("busy=maybe", "busy cannot be 'maybe': write true or false."),
        ("logs=/dev/null/logs", "Not a directory: '/dev/null/logs'"),
    ],
)
def test_a_bad_option_is_refused_in_one_line(
    word: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert soak.main([word]) == 1
    said = capsys.readouterr()
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(number: signal.Signals, tmp_path: Path) -> None:
    programs, temporary, pid = (tmp_path / name for name in ("bin", "tmp", "pid"))
    programs.mkdir()
    temporary.mkdir()
    make = programs / "make"
    make.write_text(MAKE.format(pid))
    make.chmod(0o755)
    env = {"PATH": f"{programs}:/usr/bin:/bin", "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tools.soak", "busy=true"]
    with Process(tmp_path, command, log=tmp_path / "log", env=env) as run:
        run.wait_until(lambda: pid.exists() and pid.read_text(), "the tests run")
        run.send_signal(number)
        assert run.wait() == 130
    assert run.said() == "Interrupted: everything that was started is stopped.\n"
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    # Its logs are kept.
    (logs,) = temporary.iterdir()
    assert logs.name.startswith("soak-")
