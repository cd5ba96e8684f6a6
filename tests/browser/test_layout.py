"""Readable at every width, in both themes, and without eyes or a mouse."""

from __future__ import annotations

from itertools import pairwise

import pytest

WIDTHS = (400, 1400)
THEMES = ("light", "dark")
FINEST_CONTRAST = 4.5

# Contrast of every text with what is behind it, as WCAG counts it; colours are read back from a canvas, since computed
# styles may have any notation. Returns the texts that are fainter than they may be.
_FAINT = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const known = new Map();
const rgba = (colour) => {
  if (!known.has(colour)) {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    known.set(colour, [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255));
  }
  return known.get(colour);
};
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
// What is set above or below its parent lies on what holds it there.
const holder = (node) => {
  const box = node.getBoundingClientRect(), x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
  let up = node.parentElement;
  for (; up !== document.body; up = up.parentElement) {
    const wide = up.getBoundingClientRect();
    if (wide.left <= x && x <= wide.right && wide.top <= y && y <= wide.bottom) break;
  }
  return up;
};
const behind = (node) => {
  if (!node) return arguments[0] === 'dark' ? [0.07, 0.07, 0.07] : [1, 1, 1];
  const style = getComputedStyle(node), own = rgba(style.backgroundColor);
  if (node.matches('.tag')) return behind(holder(node));
  return own[3] === 1 ? own.slice(0, 3) : over(own, behind(node.parentElement));
};
const light = (c) => {
  const [r, g, b] = c.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const faint = [];
for (const node of document.body.querySelectorAll('*')) {
  const text = [...node.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
  if (!text || node.closest('svg, script, style, [aria-hidden=true]') || !node.checkVisibility()) continue;
  const style = getComputedStyle(node), ground = behind(node);
  const [a, b] = [light(over(rgba(style.color), ground)), light(ground)].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const ratio = (a + 0.05) / (b + 0.05);
  const named = node.className ? node : node.parentElement;
  if (ratio < (large ? 3 : arguments[1])) faint.push(`${ratio.toFixed(2)} ${named.className}`);
}
return [...new Set(faint)];
"""

_OVERFLOWING = """
const width = document.documentElement.clientWidth;
const frames = (e) => e.tagName === 'svg' || getComputedStyle(e).overflowX !== 'visible';
const framed = (e) => e !== document.body && (frames(e) || framed(e.parentElement));
return [...document.querySelectorAll('body *')].filter(e =>
  e.getBoundingClientRect().right > width + 1 && !framed(e.parentElement) && !e.closest('.tag') && e.checkVisibility()
).map(e => e.tagName + '.' + e.className).slice(0, 10);
"""


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows(any_page, open_page, width, theme):
    page = open_page(any_page, width, theme)
    page.unfold()
    assert page.js("return innerWidth") == width
    assert page.js(_OVERFLOWING) == []
    assert page.js("return document.documentElement.scrollWidth") <= width


def test_labels_of_spans_are_not_cut(run_page, read_page):
    """They stand over and under their spans, and no claim is wider than the page."""
    page = read_page(run_page, 400)
    tags = "[...document.querySelectorAll('.claim .tag')]"
    ends = "[t.getBoundingClientRect().right, t.closest('.claim').getBoundingClientRect().right]"
    assert [pair for pair in page.js(f"return {tags}.map(t => {ends})") if pair[0] > pair[1]] == []


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(any_page, open_page, theme):
    page = open_page(any_page, 1400, theme)
    page.unfold()
    assert page.js(_FAINT, theme, FINEST_CONTRAST) == []


def test_the_theme_is_the_readers(run_page, open_page):
    grounds = [
        open_page(run_page, 1400, theme).js("return getComputedStyle(document.body).backgroundColor")
        for theme in THEMES
    ]
    assert len(set(grounds)) == 2


@pytest.mark.parametrize("width", WIDTHS)
def test_charts_are_scaled_little(any_page, read_page, width):
    """Their text would become too small to read, or larger than the headings."""
    page = read_page(any_page, width)
    scales = page.js(
        "return [...document.querySelectorAll('figure.chart svg')].map(s =>"
        " s.getBoundingClientRect().width / s.viewBox.baseVal.width)"
    )
    assert scales
    assert min(scales) > 0.8
    assert max(scales) < 1.7


@pytest.mark.parametrize("width", (400, 800, 1280, 1600))
@pytest.mark.parametrize("cards", (".charts > .chart", ".headlines > .headline"))
def test_cards_fill_their_rows(any_page, read_page, width, cards):
    """The last of each row ends where the row ends; a drawing goes to the right edge of its card."""
    page = read_page(any_page, width)
    loose = page.js(
        "const box = e => e.getBoundingClientRect();"
        "return [...document.querySelectorAll(arguments[0])].filter(c => {"
        " const next = c.nextElementSibling, last = !next || box(next).top > box(c).top + 5;"
        " const svg = c.querySelector('svg');"
        " const short = last && box(c.parentElement).right - box(c).right > 2;"
        " return short || (svg && box(c).right - box(svg).right > 16);"
        "}).length",
        cards,
    )
    assert loose == 0


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ("run_page", "hostile_page"))
def test_labels_of_spans_do_not_overlap(request, read_page, name, width):
    page = read_page(request.getfixturevalue(name), width)
    overlaps = page.js(
        "const found = [];"
        "for (const line of document.querySelectorAll('.claim .sentence')) {"
        " const boxes = [...line.querySelectorAll('.tag')].map(t => t.getBoundingClientRect());"
        " boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {"
        "  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);"
        "  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);"
        "  if (across > 1 && down > 1) found.push(line.textContent); })); }"
        "return found"
    )
    assert overlaps == []


def test_a_span_is_one_line(run_page, read_page):
    """Whatever else begins or ends within it: as many boxes as labels."""
    page = read_page(run_page)
    assert len(page.texts(".claim .marked > .gold")) == len(page.texts(".claim .marked > .gold > .tag")) > 10


def test_text_of_charts_follows_the_theme(run_page, open_page):
    texts = "[...document.querySelectorAll('figure.chart svg text')]"
    script = f"return [...new Set({texts}.map(t => getComputedStyle(t).fill))]"
    fills = [open_page(run_page, 1400, theme).js(script) for theme in THEMES]
    assert fills[0]
    assert fills[1]
    assert not set(fills[0]) & set(fills[1])


def test_headings_are_in_order(any_page, read_page):
    page = read_page(any_page)
    levels = page.js("return [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_tables_have_headings_with_a_scope(any_page, read_page):
    page = read_page(any_page)
    assert page.texts("table")
    assert page.js("return [...document.querySelectorAll('table')].filter(t => !t.querySelector('th')).length") == 0
    assert set(page.attributes("th", "scope")) <= {"row", "col", "rowgroup", "colgroup"}
    unnamed = "return [...document.querySelectorAll('table')].filter(t => !t.caption?.textContent.trim()).length"
    assert page.js(unnamed) == 0


def test_tables_scroll_in_their_own_frame(any_page, read_page):
    page = read_page(any_page, 400)
    styles = page.js(
        "return [...document.querySelectorAll('table')].map(t => t.closest('.scroll'))"
        ".map(s => s && [getComputedStyle(s).overflowX, s.tabIndex])"
    )
    assert set(map(tuple, styles)) == {("auto", 0)}


def test_charts_are_named_for_who_cannot_see_them(any_page, read_page):
    page = read_page(any_page)
    for role, name, level in page.js(
        "return [...document.querySelectorAll('svg')].map(s => [s.getAttribute('role'),"
        " s.querySelector(':scope > title')?.textContent ?? s.getAttribute('aria-label'), s.ariaHidden])"
    ):
        assert level == "true" or (role == "img" and name and name.strip())


def test_the_contents_lead_to_every_section(any_page, read_page):
    page = read_page(any_page)
    links = page.attributes("nav#contents a", "href")
    sections = page.attributes("main > section", "id")
    assert links == [f"#{section}" for section in sections]


def test_links_have_somewhere_to_lead(any_page, read_page):
    page = read_page(any_page)
    links = "[...document.querySelectorAll('a[href^=\"#\"]')]"
    assert page.js(f"return {links}.filter(a => !document.getElementById(a.hash.slice(1))).length") == 0


def test_the_language_is_reported(any_page, read_page):
    assert read_page(any_page).attributes("html", "lang") == ["en"]


def test_text_runs_as_its_script_does(hostile_page, read_page):
    """A right-to-left sentence begins at the right, and does not turn its neighbours."""
    page = read_page(hostile_page)
    turned = page.js(
        "return [...document.querySelectorAll('.sentence')].filter(s => /^[\\u0590-\\u06ff]/.test(s.dataset.text))"
        ".map(s => getComputedStyle(s).direction)"
    )
    assert turned
    assert set(turned) == {"rtl"}


def test_a_page_can_be_printed(run_page, open_page):
    page = open_page(run_page)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = page.js("return [...document.querySelectorAll('#contents, #filters')].map(e => e.checkVisibility())")
    assert hidden == [False, False]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_no_table_is_cut_on_paper(any_page, open_page):
    page = open_page(any_page, 720)  # A4 with its margins
    page.unfold()
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wide = "t => t.getBoundingClientRect().right > document.documentElement.clientWidth + 1"
    found = page.js(f"return [...document.querySelectorAll('table')].filter({wide}).map(t => t.caption.textContent)")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert found == []
