"""What is told apart: classes in their order, which figure counts, and how well it was done.

task = Task(("cat", "dog", "bird"), metric="macro-f1")
scores = Scores.of(labels, predicted, task)
"""

from danas_hil.tasks.guessing import beats_guessing, chance, guessing_words, majority
from danas_hil.tasks.intervals import t_interval, t_quantile, wilson_interval
from danas_hil.tasks.names import UNKNOWN, ClassNames, found_names, ordered, read_class_map, text_of
from danas_hil.tasks.scores import Scores
from danas_hil.tasks.task import MOST_CLASSES, Task
from danas_hil.tasks.weighting import class_weights

__all__ = [
    "MOST_CLASSES",
    "UNKNOWN",
    "ClassNames",
    "Scores",
    "Task",
    "beats_guessing",
    "chance",
    "class_weights",
    "found_names",
    "guessing_words",
    "majority",
    "ordered",
    "read_class_map",
    "t_interval",
    "t_quantile",
    "text_of",
    "wilson_interval",
]
