"""Bookmarks lie in a folder that nobody names: nothing is written, removed or read through a link."""

from collections.abc import Callable
from pathlib import Path

import pytest

from queue_emulator.transfer.progress_file import Bookmark
from tests.transfer.canary import tree

DIGEST = "0123456789abcdef"


@pytest.fixture
def bookmark(folder: Path) -> Bookmark:
    """Beside a folder that is to stay as it is."""
    (folder / "outside").mkdir()
    (folder / "outside" / f"{DIGEST}.json").write_text('{"entries": 7}')
    (folder / ".queue-emulator").mkdir()
    return Bookmark(DIGEST, folder / ".queue-emulator" / "seeding")


def linked_folder(folder: Path) -> None:
    (folder / ".queue-emulator" / "seeding").symlink_to(folder / "outside")


def linked_folder_around(folder: Path) -> None:
    (folder / ".queue-emulator").rmdir()
    (folder / "outside").rename(folder / "seeding")
    (folder / "outside").mkdir()
    (folder / "seeding").rename(folder / "outside" / "seeding")
    (folder / ".queue-emulator").symlink_to(folder / "outside")


def linked_file(folder: Path) -> None:
    (folder / ".queue-emulator" / "seeding").mkdir()
    for suffix in (".json", ".new"):
        path = folder / ".queue-emulator" / "seeding" / (DIGEST + suffix)
        path.symlink_to(folder / "outside" / f"{DIGEST}.json")


@pytest.mark.parametrize("attack", [linked_folder, linked_folder_around, linked_file])
def test_no_link_is_followed(folder: Path, bookmark: Bookmark, attack: Callable[[Path], None]) -> None:
    attack(folder)
    before = tree(folder / "outside")
    assert bookmark.entries() == 0
    bookmark.keep(5, "an endpoint")
    bookmark.remove()
    assert tree(folder / "outside") == before


@pytest.mark.parametrize(
    "content",
    ["[" * 60_000, '{"entries": true}', '{"entries": 1e999}', "null", '{"entries": -1}', " " * 100_000 + "{}"],
)
def test_what_is_no_bookmark_says_nothing(bookmark: Bookmark, content: str) -> None:
    bookmark.path.parent.mkdir()
    bookmark.path.write_text(content)
    assert bookmark.entries() == 0


def test_the_last_bookmark_takes_its_folder_with_it(folder: Path, bookmark: Bookmark) -> None:
    bookmark.keep(5, "an endpoint")
    bookmark.keep(6, "an endpoint")
    assert bookmark.entries() == 6
    bookmark.remove()
    assert list((folder / ".queue-emulator").iterdir()) == []
