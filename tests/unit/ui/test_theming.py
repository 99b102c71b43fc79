"""Every theme paints, can be read, and a bad one is refused with a message."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from textual.color import Color

from haconsole.present.cells import Tone
from haconsole.ui.theming import ThemeError, find_theme, load_theme, theme_files, theme_folders

FOLDERS = theme_folders()
NAMES = sorted(theme_files(FOLDERS))
TEXTS = [f"tone-{tone}" for tone in Tone if tone is not Tone.MARK]
GROUNDS = ["head", "head-focused", "background"]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1 between two colours."""
    lighter, darker = sorted((_luminance(Color.parse(one)), _luminance(Color.parse(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    channels = (value / 255 for value in colour.rgb)
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_promised_themes_are_there() -> None:
    assert {"dark", "light", "high-contrast", "colour-blind", "monochrome", "production-red"} <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "monochrome"])
def test_every_text_can_be_read_on_every_ground(name: str) -> None:
    theme = find_theme(name, FOLDERS)
    colours = {**theme.variables, "background": theme.background or ""}
    least = 7.0 if name == "high-contrast" else 4.5
    pairs = [*product(TEXTS, GROUNDS), ("bar-text", "bar"), ("cursor-text", "cursor")]
    pairs += [("background", f"tone-{tone}") for tone in (Tone.GOOD, Tone.WARNING, Tone.CRITICAL, Tone.UNKNOWN)]
    poor = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < least} == {}


def test_monochrome_names_no_colour_and_distinguishes_tones_by_style() -> None:
    variables = find_theme("monochrome", FOLDERS).variables
    assert {variables[text] for text in TEXTS} == {"ansi_default"}
    styles = [variables[f"tone-{tone}-style"] for tone in (Tone.GOOD, Tone.WARNING, Tone.CRITICAL, Tone.STALE)]
    assert len(set(styles)) == len(styles)


def test_an_unknown_theme_names_the_known_ones() -> None:
    with pytest.raises(ThemeError, match=r"there is no theme 'drak'; choose one of: .*dark"):
        find_theme("drak", FOLDERS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("#0f141b", "octarine"), r"Expected `str` matching regex .* - at `\$.colours.background`"),
        (("#0f141b", "ansi_octarine"), "a colour cannot be painted"),
        (("  critical: bold", "  critical: blinking"), r"\$.styles.critical"),
        (("  muted:", "  mutted:"), "mutted"),
        (("colours:", "colours: ["), "not YAML"),
    ],
)
def test_a_bad_theme_is_reported_with_file_and_place(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = theme_files(FOLDERS)["dark"].read_text()
    assert change[0] in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(*change))
    with pytest.raises(ThemeError, match=message) as excinfo:
        load_theme(path)
    assert str(path) in str(excinfo.value)


def test_a_file_of_ones_own_is_taken_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(theme_files(FOLDERS)["light"].read_text().replace("name: light", "name: mine"))
    assert find_theme(str(path), FOLDERS).name == "mine"
