"""The one way in to data on disk: from what the user names to a source."""

from __future__ import annotations

from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.data.drawn import DrawnSplits
from danas_hil.data.folders import FolderSource, find_bare_classes, find_class_folders
from danas_hil.data.parquet import ParquetSource, find_parquet
from danas_hil.data.records import (
    SPLITS,
    FileKind,
    HasPositive,
    Source,
    SourceOptions,
    require_split,
)
from danas_hil.data.tfds import TfdsSource, find_tfds
from danas_hil.tasks import Task


def open_source(spec: str, kind: FileKind, options: SourceOptions | None = None) -> Source:
    """The data set that `spec` names: one that is built in, or a folder, whose layout is found out.

    kind: what records are looked for. Names of files are looked at, nothing is read. Where
    validation or test is missing, a part of train is taken for it. Raises DanasError when there is
    no such folder, its layout is not known, or there is no train split.
    """
    options = options or SourceOptions()
    if spec in kind.built_in:
        source = kind.built_in[spec](options)
    else:
        source = _open_folder(Path(spec).expanduser(), options, kind)
    require_split(source, "train")
    return source if set(SPLITS) <= set(source.splits) else DrawnSplits(source, options.split_seed)


def settled(spec: str, folder: Path, kind: FileKind) -> str:
    """`spec` as a run keeps it: the name of a set that is built in, or a folder from the root on.

    folder: where `spec` is seen from.
    """
    if spec in kind.built_in:
        return spec
    return str((folder / Path(spec).expanduser()).resolve())


def task_of(source: Source, positive: str | None = None, metric: str = "accuracy") -> Task:
    """What is told apart in `source`; its own positive class counts where no other is named.

    Raises DanasError for a class or a metric that there is not.
    """
    classes = source.classes
    if positive is None and len(classes) == 2 and isinstance(source, HasPositive):
        positive = source.positive
    return Task(classes, positive, metric)


def _open_folder(folder: Path, options: SourceOptions, kind: FileKind) -> Source:
    if not folder.exists() and folder.name in kind.former:
        raise DanasError(
            f"The built-in data set {folder.name} is gone, and there is no folder {folder}.",
            kind.former[folder.name],
        )
    if not folder.exists():
        raise DanasError(f"There is no folder {folder}.", _layouts(kind))
    if not folder.is_dir():
        raise DanasError(
            f"{folder} is not a folder.", f"Name the folder it is in. {_layouts(kind)}"
        )
    folder = folder.resolve()
    if (tfds := find_tfds(folder)) is not None:
        return TfdsSource(tfds, options)
    if find_parquet(folder):
        return ParquetSource(folder, options)
    if find_class_folders(folder) or find_bare_classes(folder, kind):
        return FolderSource(folder, options, kind)
    raise DanasError(f"The layout of {folder} is not known.", _layouts(kind))


def _layouts(kind: FileKind) -> str:
    named = " or ".join(kind.built_in)
    return (
        "Known layouts: a TFDS folder with dataset_info.json (NAME/1.0.0); Parquet files called"
        " train*.parquet, validation*.parquet, test*.parquet, also in data/ or default/train/;"
        f" class folders {{train,validation,test}}/{{CLASS}}/{kind.example} or"
        f" {{CLASS}}/{kind.example}"
        + (f"; or the word {named} for the built-in set." if named else ".")
    )
