"""A store in which some questions are answered already, and a server with a browser in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.components.address import OPENING
from app.components.levers import sets_of
from sim.library import Loaded, load
from sim.service.build import build
from sim.store import Question, Store, kept_of
from sim.study.replicate import Outcome, Plan, one

ROOT = Path(__file__).resolve().parents[2]
SEEDED = 3
"""Replications of the opening questions that are in the store from the start."""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def opening() -> Loaded:
    """The scenario of the opening question."""
    return load("plan", sets=sets_of(load("plan").scenario, OPENING))


def simulate(loaded: Loaded, replications: int) -> list[Outcome]:
    """Replications of a scenario, in this process."""
    network = build(loaded.scenario)
    return [one(network, Plan("compiled", 1, kept_of(network.scenario)), r) for r in range(replications)]


@pytest.fixture(scope="session")
def answered() -> dict[str, list[Outcome]]:
    """Replications of today, the plan, and the opening question."""
    loaded = {"today": load("today"), "plan": load("plan"), "opening": opening()}
    return {name: simulate(one_of, SEEDED) for name, one_of in loaded.items()}


def seed(path: Path, answered: dict[str, list[Outcome]]) -> Path:
    """A store with those replications."""
    with Store(path) as store:
        for name, outcomes in answered.items():
            store.keep(Question.of(opening() if name == "opening" else load(name)), outcomes)
    return path


# ── a server and a browser ───────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Server:
    """The app as a visitor meets it; ``store`` is where its answers are."""

    base: str
    store: Path
    process: subprocess.Popen[bytes]


@dataclass
class Requests:
    """What a browser asked for beyond the server."""

    outside: list[str] = field(default_factory=list)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(base: str) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"{base}/_stcore/health", timeout=1) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, answered: dict[str, list[Outcome]]) -> Iterator[Server]:
    """``linli app`` with one worker and a store of its own."""
    if CHROMIUM is None:
        pytest.skip("no chromium: 'apt-get install chromium fonts-noto-cjk' (or the like) makes the browser tests run")
    store = seed(tmp_path_factory.mktemp("app") / "app.store", answered)
    port = free_port()
    environment = {**os.environ, "LINLI_STORE": str(store), "LINLI_WORKERS": "1", "LINLI_REPLICATIONS": "5"}
    log = open(store.with_suffix(".log"), "wb")  # noqa: SIM115
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("linli")), "app", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    base = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while not is_up(base):
        assert process.poll() is None, store.with_suffix(".log").read_text(encoding="utf-8")
        assert time.monotonic() < deadline, "the server did not start"
    yield Server(base, store, process)
    process.terminate()
    process.wait(20)
    log.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip("no chromium: 'apt-get install chromium fonts-noto-cjk' (or the like) makes the browser tests run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, server: Server) -> Iterator[Any]:
    """A fresh visitor. Whatever they do, nothing is asked of anybody but the server."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    requests = Requests()

    def seen(url: str) -> None:
        if not url.startswith((server.base, server.base.replace("http", "ws", 1), "data:", "blob:")):
            requests.outside.append(url)

    context.on("request", lambda request: seen(request.url))
    visitor = context.new_page()
    visitor.on("websocket", lambda socket_: seen(socket_.url))
    visitor.set_default_timeout(180_000)  # other tests run at the same time, and the worker is polite
    yield visitor
    context.close()
    assert requests.outside == []
