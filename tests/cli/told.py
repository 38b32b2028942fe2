"""danas-hil in this very process, with what becomes of its errors."""

from __future__ import annotations

import sys

from danas_hil.cli import main


def told(*arguments: str) -> int:
    """What danas-hil exits with; an exception that it lets through is the caller's."""
    before, sys.argv = sys.argv, ["danas-hil", *arguments]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0
