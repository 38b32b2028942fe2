"""What GCC 7.2, with which Arduino builds for mbed, lacks of what a later GCC takes in gnu++14.

From GCC's release notes (gcc.gnu.org/gcc-8/changes.html to gcc-12/changes.html). That compiler is
not to be had everywhere; what GCC 12 refuses in gnu++14 the tests that compile find themselves.
"""

from __future__ import annotations

import re

_WORDS = {
    8: r"__VA_OPT__|__builtin_(tgmath|speculation_safe_value)|__attribute__\s*\(\(\s*nocf_check"
    r"|#\s*pragma\s+GCC\s+unroll|\[\[\s*(likely|unlikely|no_unique_address|nodiscard\s*\()"
    r"|<(charconv|memory_resource|filesystem|execution|version|compare|bit|concepts|ranges|span"
    r"|source_location|numbers|coroutine|stop_token|semaphore|latch|barrier|syncstream|format"
    r"|expected|stacktrace|spanstream|any|optional|variant|string_view)>",
    9: r"__builtin_(has_attribute|is_constant_evaluated|convertvector|expect_with_probability)"
    r"|__attribute__\s*\(\(\s*(copy|no_stack_protector|symver)\b|\bchar8_t\b|\bconsteval\b",
    10: r"\b__has_builtin\b|__attribute__\s*\(\(\s*access\b|\bconstinit\b|\bconcept\b|\brequires\b"
    r"|\bco_(await|yield|return)\b",
    11: r"__builtin_bit_cast|__attribute__\s*\(\(\s*(noinit|persistent|retain)\b"
    r"|\bstd::(bit_cast|span|format)\b",
    12: r"__attribute__\s*\(\(\s*(tainted_args|unavailable)\b"
    r"|__builtin_(dynamic_object_size|assoc_barrier)",
}
_FLAGS = (
    r"-std=(gnu|c)\+\+(2\w|17|1z)",  # 7.2 knows 17 in part, the core none of it
    r"-f(no-)?(concepts-ts|coroutines|char8_t|analyzer|zero-call-used-regs|trivial-auto-var-init"
    r"|stack-clash-protection|cf-protection|diagnostics-color-urls|folding|access-control-ts"
    r"|ipa-\w+-flatten|large-source-files|profile-partial-training|finite-loops)\b",
    r"-W(no-)?(arith-conversion|mismatched-tags|redundant-tags|class-memaccess|cast-function-type"
    r"|missing-attributes|stringop-truncation|array-parameter|deprecated-copy|pessimizing-move"
    r"|redundant-move|c\+\+(11|14|17|20|23)-extensions|zero-length-bounds|stringop-overread"
    r"|dangling-pointer|use-after-free)\b",
    r"-Wl,(--no-warn-rwx-segments|--no-warn-execstack|--package-metadata)",  # binutils of 2017
    r"-mcpu=cortex-m(35p|55|85)|-mfloat-abi=.*\+",
)


def lacking(text: str) -> list[str]:
    """What stands in this C++ that GCC 7.2 does not know, with the version that brought it."""
    bare = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    return [
        f"{found[0]} (GCC {version})"
        for version, pattern in _WORDS.items()
        for found in re.finditer(pattern, bare)
    ]


def lacking_flags(flags: list[str]) -> list[str]:
    """Of these flags of compiler and linker."""
    return [flag for flag in flags if any(re.match(pattern, flag) for pattern in _FLAGS)]
