"""matplotlib's drawings as SVG for inlining in a page: colours, fonts and ids do not clash with the page's."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import matplotlib
from matplotlib.figure import Figure

# Role of a colour -> its default if the page does not define `--c-ROLE`: on white, with a contrast of at least 3 to 1,
# except `faint`. Roles are recognised by their colour in matplotlib's output, so all colours differ.
# The hues are those of Okabe and Ito (2008); verdicts differ in lightness too.
ROLES = {
    "supported": "#4a7fb0",
    "distorted": "#c98300",
    "unsupported": "#a82000",
    "omission": "#a0508a",
    "ink": "#1f2328",
    "faint": "#c9ced6",
    "1": "#0072b2",
    "2": "#d55e00",
    "3": "#00805f",
    "4": "#a8518c",
    "5": "#b57900",
    "6": "#2f8dc0",
    "7": "#555b64",
    "8": "#7d7700",
}
# matplotlib's fonts have no double-width glyphs and measure such a character as a narrow box. An en space for each in
# front of a label corrects the measure; the output does not contain it.
EN_SPACE = "\u2002"
_ROLE_OF = {colour: role for role, colour in ROLES.items()}

# The user's matplotlibrc must not change a report, so all other settings are matplotlib's defaults.
_SMALL = 10
_SETTINGS = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "path.simplify": False,
    "lines.linewidth": 1.4,
    "patch.linewidth": 0,
    "figure.facecolor": "none",
    **{f"figure.constrained_layout.{name}": 2 / 72 for name in ("w_pad", "h_pad", "wspace", "hspace")},
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "xtick.major.pad": 5,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.handlelength": 1,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.2,
    "grid.color": ROLES["faint"],
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), ROLES["ink"]),
    **dict.fromkeys(("axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), _SMALL),
    **{f"axes.spines.{side}": False for side in ("left", "right", "top", "bottom")},
    **{f"{axis}tick.{kind}.{key}": 0 for axis in "xy" for kind in ("major", "minor") for key in ("size", "width")},
}
_KEPT_SETTINGS = {"backend", "backend_fallback", "toolbar", "interactive"}
_NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}
_MISSING_GLYPH = r"Glyph .* missing from|Matplotlib currently does not support .* natively"

_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_GEOMETRY = ("d", "x", "y", "width", "height", "transform")


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Context for creating and writing figures: no text is parsed as a formula, and user settings are ignored.

    The page's fonts have the glyphs that matplotlib's lack, so that its warnings are suppressed.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        settings: Any = matplotlib.rcParams
        # matplotlib's defaults need no validation
        dict.update(settings, {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in _KEPT_SETTINGS})
        settings.update(_SETTINGS)
        warnings.filterwarnings("ignore", message=_MISSING_GLYPH)
        yield


def inline(figure: Figure, prefix: str, title: str, alt: str) -> str:
    """A figure of 72 dots per inch as an ``<svg>`` element; deterministic.

    Args:
        prefix: letters, digits and hyphens, unique among the drawings of the page.
        title: the accessible name of the picture.
        alt: its accessible description.

    Colours of ``ROLES`` become ``var(--c-ROLE, colour)``, the font is the page's, and the background is the page's too.

    Raises:
        KeyError: a colour has no role.
    """
    content = io.BytesIO()
    with drawing():
        matplotlib.rcParams["svg.hashsalt"] = prefix  # ids that are referenced are hashes, and occur once on the page
        figure.savefig(content, format="svg", metadata=_NO_DATE)
    root = ElementTree.fromstring(content.getvalue())
    # Metadata, and style sheets, which would apply to the whole page.
    for parent in list(root.iter()):
        for child in [child for child in parent if _local(child.tag) in ("metadata", "style")]:
            parent.remove(child)
    for element in root.iter():
        _make_plain(element)
    _head(root, prefix, title, alt)
    return ElementTree.tostring(root, encoding="unicode")


def _make_plain(element: Element) -> None:
    """Remove namespaces, names of groups and excessive digits, and replace colours by roles."""
    element.tag = _local(element.tag)
    if element.tag in ("g", "text"):
        element.attrib.pop("id", None)
    attributes = {_local(name): value for name, value in element.attrib.items()}
    for name in _GEOMETRY & attributes.keys():
        attributes[name] = _NUMBER.sub(
            lambda result: f"{float(result[0]):.2f}".rstrip("0").rstrip("."), attributes[name]
        )
    if element.tag == "text":
        attributes.pop("transform" if attributes.get("transform", "").startswith("rotate(-0 ") else "", None)
    style = _style(element.tag, attributes.pop("style", ""))
    style |= {name: _use_variables(attributes.pop(name)) for name in ("fill", "stroke") if name in attributes}
    if style:
        attributes["style"] = "; ".join(f"{name}: {value}" for name, value in style.items())
    element.attrib.clear()
    element.attrib.update(attributes)
    element.text, element.tail = (
        text.strip(EN_SPACE) if text and text.strip() else None for text in (element.text, element.tail)
    )


def _style(tag: str, text: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in text.split(";") if part.strip())
    style = {name.strip(): _use_variables(value.strip()) for name, _, value in pairs if name.strip() != "font-family"}
    if tag == "text":
        style.setdefault("fill", _use_variables(ROLES["ink"]))
    return style


def _use_variables(value: str) -> str:
    return _COLOUR.sub(lambda result: f"var(--c-{_ROLE_OF[result[0]]}, {result[0]})", value)


def _head(root: Element, prefix: str, title: str, alt: str) -> None:
    """Set the root's attributes: it is as wide as its column, and has a title and a description."""
    width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
    root.attrib.clear()
    root.attrib |= {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-labelledby": f"{prefix}-title {prefix}-alt",
        "style": "width: 100%; height: auto; overflow: visible; stroke-linejoin: round",
    }
    for place, (tag, name, text) in enumerate((("title", "title", title), ("desc", "alt", alt))):
        element: Any = Element(tag, {"id": f"{prefix}-{name}"})
        element.text = text
        root.insert(place, element)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
