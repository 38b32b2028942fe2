"""`python -m danas_hil` is danas-hil."""

from danas_hil.cli import main

main()
