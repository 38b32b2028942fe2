"""The candidate that a run chose, in one card."""

from __future__ import annotations

from danas_hil.report import tables
from danas_hil.report.classes import guesses
from danas_hil.report.markup import EMPTY, Markup, element, esc, join
from danas_hil.report.page import bar
from danas_hil.report.rows import Member
from danas_hil.report.svg import percent
from danas_hil.run import Candidate, Front
from danas_hil.tasks import Scores, Task, guessing_words

_NO_BETTER = "no better than guessing"


def chosen_card(front: Front, chosen: Candidate | None, row: Member | None) -> Markup:
    """What the chosen one can do, and how much of the limits it takes; or that nothing fits."""
    if row is None or chosen is None:
        words = (
            "No candidate was found that is within the limits. Allow more memory, smaller"
            " data or networks in the search space, or search for longer."
        )
        return element(
            "div", element("h3", esc("Nothing fits")), element("p", esc(words)), class_="card"
        )
    task, test = front.task, chosen.scores.get("int8_test")
    facts = [*_facts(row, test, task), *_front_end(chosen)]
    best = f"The best {task.metric_name} in int8 on validation examples within the limits."
    return element(
        "div",
        element(
            "h3", esc("Chosen: "), element("code", esc(row.id)), esc(" "), tables.verdict(row.fits)
        ),
        element("p", esc(best), class_="note"),
        element("p", tables.state(_NO_BETTER, None)) if guesses(test, task) else EMPTY,
        element("dl", *(join((element("dt", esc(k)), element("dd", v))) for k, v in facts)),
        element("p", tables.badge("estimated"), esc(" memory against the limits"), class_="note"),
        element(
            "div",
            bar("RAM", row.ram_bytes, front.limits.ram_bytes),
            bar("flash", row.flash_bytes, front.limits.flash_bytes),
            class_="bars",
        ),
        class_="card",
    )


def _front_end(chosen: Candidate) -> list[tuple[str, Markup]]:
    """How a device makes the input; nothing in runs of versions that did not say."""
    told = chosen.estimate.get("front_end")
    if not told:
        return []
    words = (
        f"{'; '.join(told['steps'])}. {told['ram_bytes']:,} B beside the input,"
        f" {told['operations']:,} operations: counted, not measured, and not in the limits"
    )
    return [("input on the device", esc(words))]


def _facts(row: Member, test: Scores | None, task: Task) -> list[tuple[str, Markup]]:
    facts: list[tuple[str, Markup]] = [("genome", esc(row.genome))]
    if row.int8_test is not None and row.low is not None and row.high is not None:
        interval = (
            f"{percent(row.int8_test)} (95 % interval {percent(row.low)} to {percent(row.high)})"
        )
        facts.append(("int8 test accuracy", esc(interval)))
    shares = {
        f"int8 test {task.metric_name}": row.test_metric if task.metric_label is not None else None,
        "precision": row.precision,
        "recall": row.recall,
        "macro F1": test.macro_f1 if test else None,
        "int8 validation accuracy": row.int8_validation,
        "float validation accuracy": row.float_validation,
    }
    facts += [(name, esc(percent(share))) for name, share in shares.items() if share is not None]
    if test is not None and test.confusion:
        facts.append(("guessing", esc(guessing_words(test.counts, task))))
    return facts
