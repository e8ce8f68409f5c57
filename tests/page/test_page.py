"""The cost report's page as readers meet it: on a phone and a desk, by day and by night, on paper, by keyboard, with a screen reader's rules (axe-core)."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import NAMES

PHONE, DESK = 375, 1280
# axe takes two seconds a page: it sees the richest one in all ways, and of the others what is different in them.
FOR_AXE = [("report", width, scheme) for width in (PHONE, DESK) for scheme in ("light", "dark")]
FOR_AXE += [("hostile", PHONE, "dark"), ("hostile", DESK, "light"), ("team", PHONE, "light"), ("minimal", DESK, "dark"), ("largest", PHONE, "light"), ("scan", PHONE, "dark"), ("scan", DESK, "light"), ("hostile-scan", PHONE, "light")]

# Elements that reach over the right edge, but for those in boxes that scroll for themselves.
WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('.scroll, .hidden') && document.documentElement.clientWidth + 1 < one.getBoundingClientRect().right)
    .map(one => one.outerHTML.slice(0, 120))"""

# What has the focus: its link, its caption, or its text.
FOCUSED = """() => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    return {
        tag: one.tagName.toLowerCase(),
        name: one.getAttribute('href') || one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.textContent,
        seen: style.outlineStyle !== 'none' && 2 <= parseFloat(style.outlineWidth),
    };
}"""


def open_all(page):
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_does_not_scroll_sideways(look, name, width):
    page = look(name, width)
    open_all(page)
    assert page.evaluate(WIDE) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("name", "width", "scheme"), FOR_AXE)
def test_axe_finds_nothing(look, name, width, scheme):
    page = look(name, width, scheme)
    open_all(page)
    # What axe cannot decide (text over a pattern) is not a violation.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["impact"], one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_for_nothing_and_breaks_no_rule_of_its_own(look, name):
    page = look(name)
    assert page.asked == [page.address]
    assert page.complaints == []
    assert page.evaluate("() => document.scripts.length + document.images.length + document.querySelectorAll('[style*=url], iframe, object, embed').length") == 0


def test_what_a_page_were_to_load_is_refused(look):
    page = look("report")
    page.evaluate("() => { const image = new Image(); image.src = 'https://example.com/x.png'; document.body.append(image); }")
    page.wait_for_timeout(200)
    assert any("Content Security Policy" in complaint for complaint in page.complaints), page.complaints


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_everything_is_reached_by_keyboard_and_seen(look, width):
    page = look("report", width)
    page.keyboard.press("Tab")
    first = page.evaluate(FOCUSED)
    assert (first["tag"], first["name"], first["seen"]) == ("a", "#main", True)
    assert page.evaluate("() => 0 <= document.activeElement.getBoundingClientRect().left"), "the skip link is not shown"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["tag"] == "body":
            break
        reached.append(focused)
    assert all(one["seen"] for one in reached), [one for one in reached if not one["seen"]]
    names = [one["name"] for one in reached]
    links = page.evaluate("() => [...document.querySelectorAll('main a')].map(one => one.getAttribute('href'))")
    assert [name for name in names if name.startswith("#")] == links
    assert [one["name"] for one in reached if one["tag"] == "summary"] == ["All days as a table", "All amounts as a table", "All commitments as a table"]
    boxes = page.evaluate("() => [...document.querySelectorAll('.scroll')].filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth).length")
    assert boxes <= len([one for one in reached if one["tag"] == "div"])


def test_a_table_of_values_opens_by_keyboard(look):
    page = look("report", PHONE)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    assert page.locator("details").first.locator("tbody tr").count() == 90


@pytest.mark.parametrize(("width", "drawing"), [(PHONE, "narrow"), (DESK, "wide")])
def test_each_chart_is_shown_once_in_a_size_that_can_be_read(look, width, drawing):
    page = look("report", width)
    charts = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].filter(one => one.checkVisibility()).map(one => ({
            drawing: one.classList[1],
            text: Math.min(...[...one.querySelectorAll('text')].map(text => text.getBoundingClientRect().height)),
        }))"""
    )
    assert [chart["drawing"] for chart in charts] == [drawing, drawing, drawing]
    assert all(10 <= chart["text"] for chart in charts), charts
    images = page.get_by_role("img")
    assert [images.nth(at).get_attribute("role") for at in range(images.count())] == ["img", "img", "img"]
    assert page.get_by_role("img", name="Cost by day").count() == 1


def test_tables_stay_tables_where_they_fold(look):
    page = look("report", PHONE)
    decisions = page.get_by_role("table", name="What needs a decision, the most expensive first")
    assert decisions.get_by_role("columnheader").count() == 3
    assert decisions.get_by_role("rowheader").first.inner_text().startswith("endpoint churn-v2")
    assert decisions.get_by_role("row").nth(1).get_by_role("cell").count() == 2


@pytest.mark.parametrize(("width", "has_column"), [(PHONE, False), (DESK, True)])
def test_what_a_change_is_against_is_seen_at_each_width(look, width, has_column):
    page = look("month", width)
    head = page.locator("#components thead")
    assert head.get_by_text("October, 30 days", exact=True).is_visible() == has_column
    assert head.get_by_text("against October, 30 days").is_visible() == (not has_column)


@pytest.mark.parametrize("name", NAMES)
def test_on_paper_nothing_is_cut_off(look, name):
    page = look(name, 700)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # A4 between margins of 15 mm.
    page.set_viewport_size({"width": 680, "height": 1000})
    assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate("() => [...document.querySelectorAll('nav')].every(one => getComputedStyle(one).display === 'none')")


def test_the_first_screen_of_a_desk_has_the_answers(look):
    page = look("report")
    for words in ("SageMaker cost", "Why", "endpoint churn-v2", "All 10 decisions", "November 2026", "over it"):
        box = page.locator("section.first").get_by_text(words).first.bounding_box()
        assert box["y"] + box["height"] <= 800, f"{words}: below the first screen"
