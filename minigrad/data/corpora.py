"""Texts for language models: first names, and Shakespeare's plays.

The texts come with the package. docs/data.md lists their sources, licences and checksums.
"""

import zlib
from pathlib import Path

from minigrad.data.text import reading

FOLDER = Path(__file__).parent
GZIP = 31  # zlib's number for the gzip format


def load_names() -> list[str]:
    """Load 32,033 first names, in lower case.

    >>> names = load_names()
    >>> len(names), names[:3], max(map(len, names))
    (32033, ['emma', 'olivia', 'ava'], 15)

    Errors: DataError MG404 if the file is missing, MG405 if it is damaged. Source: Andrej
    Karpathy's makemore (2022), from the U.S. Social Security Administration's names of 2018.

    Since: 0.2.
    """
    return bundled_text("names.txt.gz").split()


def load_shakespeare() -> str:
    """Load tiny Shakespeare: 40,000 lines of his plays, in one string of 1,115,394 characters.

    >>> text = load_shakespeare()
    >>> len(text), len(set(text)), text[:14]
    (1115394, 65, 'First Citizen:')

    Errors: as for `load_names`. Source: Andrej Karpathy's char-rnn (2015).

    Since: 0.2.
    """
    return bundled_text("shakespeare.txt.gz")


def bundled_text(name: str) -> str:
    """Return the text of a compressed file in this folder.

    Errors: DataError MG404 if the file is missing, MG405 if it is damaged.
    """
    path = FOLDER / name
    with reading(path, "reinstall minigrad, because the file is part of the package"):
        return zlib.decompress(path.read_bytes(), GZIP).decode("ascii")
