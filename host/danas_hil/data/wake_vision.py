"""Wake Vision (Banbury et al., arXiv 2405.00892): whether there is a person in a photo."""

from __future__ import annotations

from danas_hil.tasks import Task

COLUMN = "person"
"""Of its Parquet files and its TFDS records: 0, 1, or -1 where it is not known."""

CLASSES = ("no person", "person")
"""What 0 and 1 are called."""

POSITIVE = "person"

TASK = Task(CLASSES, POSITIVE)
