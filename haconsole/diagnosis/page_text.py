"""The page of a finding code, as text and as Markdown: signal, why it matters, how to check it by hand, and the fix."""

from __future__ import annotations

from haconsole.diagnosis.codes import CODES
from haconsole.diagnosis.pages import PAGES


def page_text(code: str) -> str:
    """The page as text; KeyError for an unknown code."""
    explanation, page = CODES[code], PAGES[code]
    rows = (
        ("Signal", explanation.signal),
        ("Why it matters", page.why),
        ("Check by hand", page.check),
        ("Fix", explanation.fix),
    )
    return "\n".join((code, *(f"\n{title}\n  {text}" for title, text in rows)))


def reference() -> str:
    """All pages as Markdown, by area and code."""
    lines = ["# Finding codes", ""]
    lines += [
        "Each finding of `haconsole doctor` has one of these codes. `haconsole doctor --explain CODE` prints its page."
    ]
    for code in sorted(CODES):
        explanation, page = CODES[code], PAGES[code]
        lines += ["", f"## {code}", ""]
        lines += [f"- **Signal:** {explanation.signal}", f"- **Why it matters:** {page.why}"]
        lines += [f"- **Check by hand:** `{page.check}`", f"- **Fix:** {explanation.fix}"]
    return "\n".join(lines) + "\n"
