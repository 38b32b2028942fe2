"""What every room stands on: errors, deadlines, files, subprocesses, optional extras."""

from danas_hil.base.arrays import read_arrays
from danas_hil.base.capture import captured_stderr
from danas_hil.base.deadline import Deadline
from danas_hil.base.duration import parse_duration
from danas_hil.base.errors import DanasError, EnvironmentFaultError, first_line, trouble
from danas_hil.base.extras import require
from danas_hil.base.files import (
    atomic_path,
    read_json,
    tree_folder,
    user_folder,
    write_atomic,
    write_json,
)
from danas_hil.base.locks import held
from danas_hil.base.names import check_inside, folder_name, plain_name
from danas_hil.base.plain import build, check_format, checking, finite, restore
from danas_hil.base.plugins import NotInstalledError, Registry, registered
from danas_hil.base.process import Finished, UnfinishedError, run_process, running_process
from danas_hil.base.reading import check_file, read_bytes, read_text, read_toml
from danas_hil.base.urls import has_secret, public_url, scrubbed
from danas_hil.base.words import did_you_mean, known_or_near

__all__ = [
    "DanasError",
    "Deadline",
    "EnvironmentFaultError",
    "Finished",
    "NotInstalledError",
    "Registry",
    "UnfinishedError",
    "atomic_path",
    "build",
    "captured_stderr",
    "check_file",
    "check_format",
    "check_inside",
    "checking",
    "did_you_mean",
    "finite",
    "first_line",
    "folder_name",
    "has_secret",
    "held",
    "known_or_near",
    "parse_duration",
    "plain_name",
    "public_url",
    "read_arrays",
    "read_bytes",
    "read_json",
    "read_text",
    "read_toml",
    "registered",
    "require",
    "restore",
    "run_process",
    "running_process",
    "scrubbed",
    "tree_folder",
    "trouble",
    "user_folder",
    "write_atomic",
    "write_json",
]
