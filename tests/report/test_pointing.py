"""The page's script, in a browser: pointing at a field marks its octets, at an octet its fields."""

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from capanalyze.report import as_html
from tests.report import sample

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 120

# Unfolds the sheet of frame 3 and what it lies in, and notes what is marked there after each event.
PROBE = """
const sheet = document.getElementById("frame-3");
const noted = [];
const at = (text) => [...sheet.querySelectorAll("[data-at]")].find((line) => line.textContent.startsWith(text));
const octet = (number) => [...sheet.querySelectorAll("b")].find((cell) => cell.octet === number);
const over = (element) => element.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
const note = (what) => {
  const cells = [...sheet.querySelectorAll("b.on")];
  const lines = [...sheet.querySelectorAll("[data-at].on")].map((line) => line.textContent.slice(0, 12));
  noted.push(`${what}: ${cells.map((cell) => cell.textContent.trim()).join(" ")} | ${lines.join(", ")}`);
};
const probe = () => {
  const before = sheet.querySelector("pre").textContent.trim();
  for (const [what, element] of [["transmit", at("Transmit")], ["layer", at("Point-to")], ["72", octet(72)],
    ["folded", octet(6)], ["none", document.body]]) {
    over(element);
    note(what);
  }
  at("Internet").parentElement.open = true;
  over(octet(4));
  note("two");
  at("Total Length").focus();
  note("focus");
  document.title = JSON.stringify({ noted, before, revealed: sheet.closest(".behind").open });
};
setTimeout(probe, 300);
"""


def digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def probed(folder: Path) -> str:
    """The title that the probe leaves."""
    analysis, deep = sample.deep()
    page = as_html.to_html(analysis, [], deep).decode()
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0]
    page = page.replace(script, script + PROBE).replace(digest(script), digest(script + PROBE))
    path = folder / "report.html"
    path.write_text(page, "utf-8")
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"file://{path}#frame-3"], capture_output=True, timeout=PATIENCE, check=False, text=True
    )
    (title,) = re.findall(r"<title>(.*?)</title>", done.stdout)[:1] or [done.stderr]
    return html.unescape(title)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_pointing(tmp_path: Path) -> None:
    known = json.loads(probed(tmp_path))
    assert known["noted"] == [
        "transmit: ee b1 ae b1 b8 2b f0 00 . . . . . + . . | Transmit Tim",
        "layer: ff 03 00 21 . . . ! | Point-to-Poi",
        "72: ee b1 ae b1 b8 2b f0 00 . . . . . + . . | Transmit Tim",
        "folded: 00 4c . L | Internet Pro",
        "none:  | ",
        "two: 45 E | 0100 .... = , .... 0101 = ",
        "focus: 00 4c . L | Total Length",
    ]
    assert known["before"].splitlines()[0] == "0000  ff 03 00 21 45 00 00 4c 20 b9 40 00 40 11 a1 9a   ...!E..L .@.@..."
    assert len(known["before"].splitlines()) == 5
    assert known["revealed"]
