"""The command line. Thin: parse, call, show. The only room that prints."""

from danas_hil.cli.app import main

__all__ = ["main"]
