"""Themes: their files found, read and converted for Textual."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from haconsole.errors import ExitCode, HaconsoleError, file_hint
from haconsole.present.cells import Tone
from haconsole.ui.theme_file import ThemeFile

if TYPE_CHECKING:
    from textual.theme import Theme

DEFAULT = "dark"
WITHOUT_COLOUR = "monochrome"
"""The theme for NO_COLOR: everything is readable without a colour."""


class ThemeError(HaconsoleError):
    """A theme that is absent or invalid."""

    exit_code = ExitCode.USAGE


def theme_folders() -> tuple[Path, ...]:
    """The folders of themes: beside the installed package's modules, otherwise in the checkout."""
    package = Path(__file__).resolve().parents[1]
    return tuple(folder for folder in (package / "themes", package.parent / "themes") if folder.is_dir())


def theme_files(folders: tuple[Path, ...]) -> dict[str, Path]:
    """Theme names and their files; for a name in two folders the first one counts."""
    files = (path for folder in reversed(folders) for path in sorted(folder.glob("*.yaml")))
    return {path.stem: path for path in files}


def theme_names() -> tuple[str, ...]:
    """The available themes, in their order."""
    return tuple(sorted(theme_files(theme_folders())))


def find_theme(name: str, folders: tuple[Path, ...], *, sixteen: bool = False) -> Theme:
    """The theme called `name`, or in the file `name` if that ends in ``.yaml``. Raises ThemeError.

    `sixteen` adapts it to a terminal that has no more colours.
    """
    if name.endswith((".yaml", ".yml")):
        return load_theme(Path(name).expanduser(), sixteen=sixteen)
    files = theme_files(folders)
    if name not in files:
        raise ThemeError(
            f"there is no theme {name!r}", hint=f"choose one of: {', '.join(sorted(files)) or 'none found'}"
        )
    return load_theme(files[name], sixteen=sixteen)


def _example() -> str:
    example = theme_files(theme_folders()).get(DEFAULT)
    return f"compare the file with {example}, which has every field" if example else "correct the file"


def load_theme(path: Path, *, sixteen: bool = False) -> Theme:
    """Read and check one theme file. Raises ThemeError with the file, the place in it and the mistake."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        theme = msgspec.convert(data, ThemeFile)
    except OSError as error:
        raise ThemeError(f"theme {path}: {error.strerror}", hint=file_hint(path, error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ThemeError(f"theme {path}: not YAML: {' '.join(str(error).split())}", hint=_example()) from error
    except msgspec.ValidationError as error:
        raise ThemeError(f"theme {path}: {error}", hint=_example()) from error
    return textual_theme(theme.in_sixteen() if sixteen else theme, path)


def textual_theme(theme: ThemeFile, path: Path) -> Theme:
    """The Textual theme, tried out, so that a colour it cannot paint is an error here and not a crash later."""
    from textual.color import ColorParseError
    from textual.theme import Theme

    colours = theme.colours
    result = Theme(
        name=theme.name,
        primary=colours.accent,
        secondary=colours.head_focused,
        accent=colours.accent,
        warning=colours.warning,
        error=colours.critical,
        success=colours.good,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.background,
        panel=colours.head,
        boost=colours.background if theme.native else None,
        dark=theme.dark,
        ansi=theme.native,
        variables=dict(_variables(theme)),
    )
    try:
        result.to_color_system().generate()
        for value in msgspec.structs.astuple(colours):
            _parse(value)
    except (ColorParseError, ValueError) as error:
        raise ThemeError(f"theme {path}: a colour cannot be painted: {' '.join(str(error).split())}") from error
    return result


def _parse(colour: str) -> None:
    from textual.color import Color

    Color.parse(colour)


def _variables(theme: ThemeFile) -> Iterator[tuple[str, str]]:
    """The names that console.tcss uses, and those of Textual's own widgets that must agree with them."""
    colours, styles = theme.colours, theme.styles
    yield "tone-plain", colours.foreground
    yield "tone-plain-style", "none"
    for tone in Tone:
        if tone not in (Tone.PLAIN, Tone.MARK):
            yield f"tone-{tone}", getattr(colours, tone)
            yield f"tone-{tone}-style", getattr(styles, tone)
    for part in ("head", "head_focused", "bar", "cursor"):
        yield part.replace("_", "-"), getattr(colours, part)
        yield f"{part.replace('_', '-')}-style", getattr(styles, part)
    yield "field-cursor-style", "not reverse" if "reverse" in styles.cursor else "reverse"
    yield "bar-text", colours.bar_text
    yield "cursor-text", colours.cursor_text
    yield "block-cursor-background", colours.cursor
    yield "block-cursor-foreground", colours.cursor_text
    yield "block-cursor-text-style", styles.cursor
    yield "block-cursor-blurred-background", colours.cursor
    yield "block-cursor-blurred-foreground", colours.cursor_text
    yield "text-muted", colours.muted
    yield "border", colours.accent
    yield "chip-style", styles.chip
    yield "tone-mark-style", "bold" if styles.cursor == "none" else styles.cursor
    yield "ansi-background", colours.background
    yield "ansi-foreground", colours.foreground
