"""Tasks that tests search for."""

from danas_hil.tasks import Task

FACES = Task(("other", "face"), positive="face")
"""What the built-in set is told apart by."""

PERSON = Task(("no person", "person"), positive="person")
