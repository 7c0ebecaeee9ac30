"""Open a learner's work: a zip file that a page of the course exported, or a single lesson file."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

from ..errors import DataError, reason
from .lesson import lessons

LARGEST = 50 << 20
"""The maximum size of a zip file's contents, in bytes."""
MOST = 1000
"""The maximum number of files in a zip file."""


def unpack(path: Path, folder: Path) -> Path:
    """Copy the contents of a zip file, or a file such as `anna_lesson_01_by_hand.py`, into `folder`.

    Returns the folder with the lesson files: `folder`, or the only folder in it. Errors: DataError
    MG924 if the file is neither, or cannot be read.
    """
    single = [one.file for one in lessons() if path.name.endswith(one.file)]
    try:
        folder.mkdir(parents=True)
        if single:
            shutil.copyfile(path, folder / single[0])
            return folder
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST or sum(member.file_size for member in members) > LARGEST:
                raise OSError(f"it contains more than {MOST} files or {LARGEST >> 20} MB")
            archive.extractall(folder)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
        raise DataError(
            "MG924",
            f"{os.fspath(path)} cannot be opened: {reason(error)}",
            cause="the course opens zip files that the button Export of its page makes, and single "
            f"lesson files such as {lessons()[0].file}",
            remedy="export the files again, or pass the folder that contains them",
        ) from None
    inside = [one for one in folder.iterdir() if one.name != "__MACOSX"]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
