"""What axe-core, the accessibility checker of the field, finds wrong with a part of a page."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

# What is still being drawn is shown pale, which is no lack of contrast.
DRAWN = """part => document.querySelector(`${part} [aria-busy="true"]`) === null
    && document.getAnimations().every(({ playState }) => playState === "finished")"""
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN = """async part => (await axe.run(part)).violations.flatMap(
    ({ id, nodes }) => nodes.map(node => `${id}: ${node.failureSummary} ${node.html}`))"""


def violations(page: Page, part: str) -> list[str]:
    """One line for each violation in the elements of the selector `part`, once they are drawn; empty for none."""
    page.wait_for_function(DRAWN, arg=part)
    page.evaluate(AXE.read_text())
    return list(page.evaluate(RUN, part))
