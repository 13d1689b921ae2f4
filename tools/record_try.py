"""Records the picture of the terminal that README.md shows: docs/try.svg, a run of `make try`."""

import os
import re
import sys

from rich.console import Console

from tools import try_project
from tools.generate import ROOT

PICTURE = ROOT / "docs" / "try.svg"
COLUMNS = 84


def main() -> int:
    """Run `make try` with the default answers, and save the final state of the terminal."""
    # On a dumb terminal, Rich draws no spinner, of which every frame would be recorded.
    os.environ["TERM"] = "dumb"
    console = Console(
        record=True, force_terminal=True, color_system="truecolor", width=COLUMNS, highlight=False
    )
    console.print("$ make try")
    try_project.console = console
    if code := try_project.main([]):
        return code
    picture = console.export_svg(title="make try", unique_id="try")
    # Rich pads the lines of its style sheet.
    PICTURE.write_text(re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
