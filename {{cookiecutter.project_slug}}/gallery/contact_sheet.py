"""Draw contact sheets."""

from collections.abc import Iterable
from pathlib import Path

from fpdf import FPDF

COLUMNS, ROWS = 4, 5
PER_PAGE = COLUMNS * ROWS
# A4, in millimetres.
WIDTH, HEIGHT, MARGIN, GAP = 210, 297, 15, 5
CELL_WIDTH = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
CELL_HEIGHT = (HEIGHT - 2 * MARGIN - (ROWS - 1) * GAP) / ROWS


class ContactSheet(FPDF):
    """A PDF of A4 pages with rows of pictures."""

    def add_pictures(self, pictures: Iterable[Path]) -> None:
        """Add a page of JPEG files, at most `PER_PAGE`."""
        self.add_page(format="a4")
        for number, picture in enumerate(pictures):
            row, column = divmod(number, COLUMNS)
            self.image(
                picture,
                MARGIN + column * (CELL_WIDTH + GAP),
                MARGIN + row * (CELL_HEIGHT + GAP),
                CELL_WIDTH,
                CELL_HEIGHT,
                keep_aspect_ratio=True,
            )
