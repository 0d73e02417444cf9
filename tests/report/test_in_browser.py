"""The page in a real browser: scripts run under the page's own policy, tables sort and filter by keyboard."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
from browser import BROWSER, FLAGS
from report_contents import dealers, network
from workflows.pain_worlds import estimated

from vocstats import report
from vocstats.options import Language

PROBE = """
const holder = document.getElementById("table-by-dealer-mean").parentElement;
const heads = [...holder.querySelectorAll("th")];
const button = heads[4].querySelector("button");
button.focus();
document.activeElement.click();
const first = () => [...holder.querySelectorAll("tbody tr")].map((row) => row.cells[0].textContent);
const ascending = first();
button.click();
const descending = first();
const order = heads[4].getAttribute("aria-sort");
const input = holder.querySelector("input");
input.value = "D0105";
input.dispatchEvent(new Event("input"));
const left = [...holder.querySelectorAll("tbody tr")].filter((row) => !row.hidden).length;
const next = document.getElementById("overview").getBoundingClientRect().top;
const said = JSON.stringify({ ascending, descending, order, left, next: Math.round(next), print: document.getElementById("print").hidden,
  score: document.querySelector(".try .result").textContent, wide: document.documentElement.scrollWidth });
document.body.append(Object.assign(document.createElement("pre"), { id: "probe", textContent: said }));
"""
PAIN_PROBE = """
const met = [];
let texts = 0;
for (const chart of document.querySelectorAll("svg.chart.full:not([aria-label*='group']):not([aria-label*='细分'])")) {
  const all = [...chart.querySelectorAll("text")].map((text) => ({ said: text.textContent, box: text.getBoundingClientRect() }));
  texts += all.length;
  all.forEach((a, i) => all.slice(i + 1).forEach((b) => {
    const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
    const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
    if (across > 1 && down > 4) met.push([a.said, b.said]);
  }));
}
const said = JSON.stringify({ met, texts, contents: Math.round(document.querySelector(".contents").getBoundingClientRect().top),
  wide: document.documentElement.scrollWidth });
document.body.append(Object.assign(document.createElement("pre"), { id: "probe", textContent: said }));
"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium found")
def test_tables_sort_and_filter_and_the_first_screen_fits(tmp_path: Path):
    page = report.render(network())
    allowed = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    page = page.replace("script-src '", f"script-src 'sha256-{allowed}' '", 1).replace("</body>", f"<script>{PROBE}</script></body>")
    path = tmp_path / "report.en.html"
    path.write_text(page, encoding="utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-2000:]
    probe = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    correction = dealers()
    names = correction.labels["dealer"].tolist()
    shown = [name for name in names if name not in ("D0103", "D0110")]
    by_score = sorted(shown, key=lambda name: correction.estimate[names.index(name), 2])
    assert probe["ascending"][:22] == by_score
    assert probe["descending"][:22] == by_score[::-1]
    assert set(probe["descending"][22:]) == {"D0103", "D0110"}
    assert probe["order"] == "descending"
    assert probe["left"] == 1
    assert probe["print"] is False
    assert "3.37" in probe["score"]
    assert probe["wide"] <= 1366
    assert probe["next"] <= 800


@pytest.mark.skipif(BROWSER is None, reason="no Chromium found")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_screen_of_pain_points_fits_and_no_label_meets_its_chart(tmp_path: Path, language: Language):
    page = report.write_pain_report(
        report.pain_content(estimated(("segment",)), window="2026", conflict=False), tmp_path, title={"en": "Pain points"},
        languages=(language,),
    )[0]
    allowed = base64.b64encode(hashlib.sha256(PAIN_PROBE.encode()).digest()).decode()
    text = page.read_text(encoding="utf-8").replace("script-src '", f"script-src 'sha256-{allowed}' '", 1)
    page.write_text(text.replace("</body>", f"<script>{PAIN_PROBE}</script></body>"), encoding="utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-2000:]
    probe = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert probe["contents"] <= 768 and probe["wide"] <= 1366
    assert probe["met"] == [] and probe["texts"] > 60
