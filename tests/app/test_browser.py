"""The app as a person meets it, in Debian's chromium. None of these reaches anything but the server (``page``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Server

from app.components.levers import levers_of
from app.components.words import LANGUAGES, words
from sim.library import load
from sim.store import Store

pytestmark = pytest.mark.slow


def number(page: Any, figure: str) -> str:
    """A key figure as shown."""
    return str(page.locator(f'[data-figure="{figure}"] .li-number').inner_text())


def base_of(code: str) -> str:
    """The plan's own value of a lever, as the page writes it."""
    scenario = load("plan").scenario
    lever = next(x for x in levers_of(scenario) if x.code == code)
    return f"{lever.base(scenario):,.{lever.digits}f}"


def until_simulated(page: Any) -> None:
    """Wait until everything is computed that was asked for."""
    page.wait_for_selector(".li-badge.li-simulated")
    page.wait_for_selector(".st-key-stop", state="detached")
    page.wait_for_function("() => !document.querySelector('.li-progress')")


def move(page: Any, lever: int, steps: int) -> None:
    """Move a lever by the keyboard."""
    page.locator("input[type=range]").nth(lever).focus()
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_screen_says_what_one_agent_per_1500_users_would_do(page: Any, server: Server, language: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server.base}/?lang={language}")
    until_simulated(page)
    spoken = words(language)
    headline = page.locator(".li-verdict h2")
    assert spoken("verdict.u_moved", value="1,500", base="1,000") in headline.inner_text()
    assert spoken("verdict.missed").replace("**", "") in headline.inner_text()
    bottom = page.locator(".st-key-side").bounding_box()
    assert bottom["y"] + bottom["height"] <= 900, "the answer needs scrolling"
    page.wait_for_selector(".st-key-chart canvas, .st-key-chart svg.marks")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert errors == []


def test_moving_a_lever_moves_a_figure_and_the_address(page: Any, server: Server) -> None:
    page.goto(f"{server.base}/?lang=en")
    until_simulated(page)
    before = number(page, "occupancy")
    move(page, 0, 10)
    page.wait_for_function("() => document.querySelector('.li-verdict h2').innerText.includes('2,500')")
    until_simulated(page)
    assert float(number(page, "occupancy")) > float(before)
    assert "u=2500" in page.url


def test_a_shared_link_shows_the_same_view_in_the_other_language(page: Any, server: Server) -> None:
    page.goto(f"{server.base}/?s=plan&l=20&lang=en")
    until_simulated(page)
    shown = [number(page, figure) for figure in ("response", "resolved", "closed", "occupancy")]
    page.get_by_role("button", name="Share").click()
    link = page.locator("[data-testid=stPopoverBody] code").inner_text().strip()
    assert re.fullmatch(re.escape(server.base) + r"/\?s=plan&l=20&lang=en", link)
    page.goto(link.replace("lang=en", "lang=zh"))
    until_simulated(page)
    assert words("zh")("verdict.l_moved", value="20", base=base_of("l")) in page.locator(".li-verdict h2").inner_text()
    assert [number(page, figure) for figure in ("response", "resolved", "closed", "occupancy")] == shown


def test_a_reload_keeps_the_view_and_computes_nothing_again(page: Any, server: Server) -> None:
    page.goto(f"{server.base}/?s=plan&u=1200&lang=en")
    until_simulated(page)
    page.wait_for_url(re.compile("id="))
    address, shown, computed = page.url, number(page, "response"), computed_in(server.store)
    page.reload()
    until_simulated(page)
    assert page.url == address
    assert number(page, "response") == shown
    assert computed_in(server.store) == computed


def computed_in(path: Path) -> int:
    """Replications that are in a store."""
    with Store(path) as store:
        return int(store._db.execute("SELECT count(*) FROM outcomes").fetchone()[0])


def test_cancel_stops_and_go_on_goes_on(page: Any, server: Server) -> None:
    page.goto(f"{server.base}/?s=today&u=4000&d=0.3&lang=en")
    page.locator(".st-key-stop button").click()
    page.wait_for_selector(".st-key-go_on")
    assert "stopped after" in page.locator(".li-progress").inner_text()
    page.locator(".st-key-go_on button").click()
    page.wait_for_selector(".st-key-stop")
    page.locator(".st-key-stop button").click()
    page.wait_for_selector(".st-key-go_on")


def test_the_language_changes_and_the_levers_stay(page: Any, server: Server) -> None:
    page.goto(f"{server.base}/?lang=en")
    until_simulated(page)
    shown = number(page, "response")
    page.get_by_text("中文", exact=True).click()
    page.wait_for_function("() => document.querySelector('.li-verdict h2').innerText.includes('客服')")
    until_simulated(page)
    assert number(page, "response") == shown
    page.wait_for_function("() => document.querySelector('input[type=range]').value === '1500'")
    assert "lang=zh" in page.url


def test_definitions_open_by_keyboard(page: Any, server: Server) -> None:
    page.goto(f"{server.base}/?lang=en")
    page.wait_for_selector(".li-cards")
    tip = page.locator('[data-figure="closed"] .li-tip')
    tip.focus()
    assert tip.locator(".li-tip-text").evaluate("e => getComputedStyle(e).visibility") == "visible"


def test_a_hostile_address_does_no_harm(page: Any, server: Server) -> None:
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.goto(f"{server.base}/?s=<img src=x onerror=alert(1)>&u=99999999&id=%3Cscript%3E&evil=1&lang=en")
    page.wait_for_selector(".li-note")
    page.wait_for_selector(".li-cards")
    assert words("en")("note.ignored", n=4) in page.locator(".li-note").inner_text()
    assert alerts == []
    assert "onerror" not in page.content()


def test_a_narrow_screen_needs_no_scrolling_sideways(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{server.base}/?lang=zh")
    until_simulated(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator(".stMain").evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.locator(".li-verdict h2").bounding_box()["y"] < 400


def test_other_origins_and_hosts_are_refused(server: Server) -> None:
    import http.client

    host = server.base.removeprefix("http://")
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        connection = http.client.HTTPConnection(host, timeout=10)
        upgrade = {
            "Host": host,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        connection.request("GET", "/_stcore/stream", headers=upgrade | headers)
        assert connection.getresponse().status == 403
        connection.close()
