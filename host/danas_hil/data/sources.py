"""The one way in to images on disk: from what the user names to a source."""

from __future__ import annotations

from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.data.drawn import DrawnSplits
from danas_hil.data.folders import FolderSource, find_bare_classes, find_class_folders
from danas_hil.data.parquet import ParquetSource, find_parquet
from danas_hil.data.records import SPLITS, HasPositive, Source, SourceOptions, require_split
from danas_hil.data.signs import NAME as SIGNS
from danas_hil.data.signs import SignsSource
from danas_hil.data.tfds import TfdsSource, find_tfds
from danas_hil.tasks import Task

_FORMER = "faces"
"""The built-in set of 0.1.0, whose name is in the reader's fingers and in scripts."""

_LAYOUTS = (
    "Known layouts: a TFDS folder with dataset_info.json (NAME/1.0.0); Parquet files called"
    " train*.parquet, validation*.parquet, test*.parquet, also in data/ or default/train/; class"
    " folders {train,validation,test}/{CLASS}/*.jpg or {CLASS}/*.jpg; or the word signs for the"
    " built-in set."
)


def open_source(spec: str, options: SourceOptions | None = None) -> Source:
    """The data set that `spec` names: `signs`, or a folder, whose layout is found out.

    Names of files are looked at, nothing is read. Where validation or test is missing, a part of
    train is taken for it. Raises DanasError when there is no such folder, its layout is not known,
    or there is no train split.
    """
    options = options or SourceOptions()
    source = (
        SignsSource(options) if spec == SIGNS else _open_folder(Path(spec).expanduser(), options)
    )
    require_split(source, "train")
    return source if set(SPLITS) <= set(source.splits) else DrawnSplits(source, options.split_seed)


def settled(spec: str, folder: Path) -> str:
    """`spec` as a run keeps it: the word `signs`, or a folder from the root on.

    folder: where `spec` is seen from.
    """
    return spec if spec == SIGNS else str((folder / Path(spec).expanduser()).resolve())


def task_of(source: Source, positive: str | None = None, metric: str = "accuracy") -> Task:
    """What is told apart in `source`; its own positive class counts where no other is named.

    Raises DanasError for a class or a metric that there is not.
    """
    classes = source.classes
    if positive is None and len(classes) == 2 and isinstance(source, HasPositive):
        positive = source.positive
    return Task(classes, positive, metric)


def _open_folder(folder: Path, options: SourceOptions) -> Source:
    if not folder.exists() and folder.name == _FORMER:
        raise DanasError(
            f"The built-in data set {_FORMER} is gone, and there is no folder {folder}.",
            f"The built-in data set is {SIGNS} now: ten classes of pictures, drawn when asked.",
        )
    if not folder.exists():
        raise DanasError(f"There is no folder {folder}.", _LAYOUTS)
    if not folder.is_dir():
        raise DanasError(f"{folder} is not a folder.", f"Name the folder it is in. {_LAYOUTS}")
    folder = folder.resolve()
    if (tfds := find_tfds(folder)) is not None:
        return TfdsSource(tfds, options)
    if find_parquet(folder):
        return ParquetSource(folder, options)
    if find_class_folders(folder) or find_bare_classes(folder):
        return FolderSource(folder, options)
    raise DanasError(f"The layout of {folder} is not known.", _LAYOUTS)
