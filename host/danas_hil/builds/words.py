"""The words that a build's TOML may use for rules: what they mean is code of the room estimate.

prepare: what an operator's Prepare asks of the arena (estimate/kernels.py, whose docstrings have
the sizes), beside temporary copies of its tensors, `output`, `inputs` and `input N`. refuses: what
an operator does not take (estimate/refusals.py). when: of which operators a fault holds
(estimate/outputs.py). A test holds that each word has its rule.
"""

from __future__ import annotations

import re

TABLES = frozenset(
    {
        "channel tables",
        "filter tables",
        "persistent row tables",
        "exponent tables",
        "stretched shape",
        "input tables",
    }
)
"""Of prepare: allocated for good."""

SCRATCH = frozenset(
    {
        "columns",
        "unrounded columns",
        "window",
        "any window",
        "channel sums",
        "row tables",
        "sums",
        "axes",
        "filter sums",
    }
)
"""Of prepare: only while the operator runs."""

COPY = re.compile(r"output|inputs|input \d")
"""Of prepare: temporary copies of tensors' structs."""

REFUSALS = frozenset(
    {
        "absent bias",
        "no bias",
        "many inputs",
        "unequal inputs",
        "bias scale",
        "bias scale per tensor",
        "state bias scale",
        "scores scale",
        "scores zero",
    }
)

WHEN = frozenset({"always", "weights per channel", "more than two axes", "unequal inputs"})
