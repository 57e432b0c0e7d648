"""The contact sheet of the docs can be made again, by anyone, from any picture."""

import pyvips
from django.conf import settings
from django.core.management import call_command

from photos.filters import NAMES
from tests.support.people import a_photo


def test_the_command_draws_every_filter_and_what_goes_with_them(tmp_path, capsys):
    picture, out = tmp_path / "picture.jpg", tmp_path / "sheet.jpg"
    picture.write_bytes(a_photo())

    call_command("filter_sheet", picture, out=out, side=60, across=6, borders=True)

    drawn = pyvips.Image.new_from_file(str(out))
    rows = (len(NAMES) + 6) // 6
    # A cell is a square and its label, with a little white between cells.
    assert (drawn.width, drawn.height) == (6 * 60 + 5 * 6, rows * 80 + (rows - 1) * 6)
    assert f"{len(NAMES) + 6} pictures" in capsys.readouterr().out


def test_the_sheets_of_the_docs_are_there_and_no_burden():
    page = (settings.BASE_DIR / "docs" / "filters.md").read_text()

    for name in ("filters-coast.jpg", "filters-coffee.jpg"):
        assert f"({name})" in page
        assert (settings.BASE_DIR / "docs" / name).stat().st_size < 600_000


def test_the_docs_name_every_filter():
    page = (settings.BASE_DIR / "docs" / "filters.md").read_text()

    assert [name for name in NAMES if name not in page] == []
