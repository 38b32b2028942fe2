"""The one way in to images on disk: from what the user names to a source."""

from __future__ import annotations

from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.data.faces import FacesSource
from danas_hil.data.folders import FolderSource, find_class_folders
from danas_hil.data.parquet import ParquetSource, find_parquet
from danas_hil.data.records import SPLITS, Source, SourceOptions, require_split
from danas_hil.data.tfds import TfdsSource, find_tfds

FACES = "faces"

_LAYOUTS = (
    "Known layouts: a TFDS folder with dataset_info.json (wake_vision/1.0.0); Parquet files called"
    " train*.parquet, validation*.parquet, test*.parquet, also in data/; class folders"
    " {train,validation,test}/{CLASS}/*.jpg; or the word faces for the built-in set."
)


def open_source(spec: str, options: SourceOptions | None = None) -> Source:
    """The data set that `spec` names: `faces`, or a folder, whose layout is found out.

    Names of files are looked at, nothing is read. Raises DanasError when there is no such folder,
    its layout is not known, or one of the three splits is missing: also the test split, which is
    better missed before a search than after it.
    """
    options = options or SourceOptions()
    source = FacesSource() if spec == FACES else _open_folder(Path(spec).expanduser(), options)
    for split in SPLITS:
        require_split(source, split)
    return source


def _open_folder(folder: Path, options: SourceOptions) -> Source:
    if not folder.exists():
        raise DanasError(f"There is no folder {folder}.", _LAYOUTS)
    if not folder.is_dir():
        raise DanasError(f"{folder} is not a folder.", f"Name the folder it is in. {_LAYOUTS}")
    folder = folder.resolve()
    if (tfds := find_tfds(folder)) is not None:
        return TfdsSource(tfds, options)
    if find_parquet(folder):
        return ParquetSource(folder, options)
    if find_class_folders(folder):
        return FolderSource(folder, options)
    raise DanasError(f"The layout of {folder} is not known.", _LAYOUTS)
