"""Pages of dealers: what a dealer is told and what not, the auditor's copy, file names, and that each prints on one sheet."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import BROWSER, FLAGS
from workflows.dealer_networks import audit

import vocstats as vs
from vocstats import report
from vocstats.report.audit_dealers import onset
from vocstats.report.audit_disclosure import DISCLOSED, KEPT_INSIDE, signal_names
from vocstats.report.dealer_page import _chosen, file_names
from vocstats.report.dealer_times import Rhythm
from vocstats.report.wording import Words

NEVER = re.compile(r"造假|作弊|违规|虚报|fraud|cheat|fake|guilt", re.IGNORECASE)
NOT_FOR_DEALERS = re.compile(
    r"虚高|inflat|p-value|q-value|[pq] 值|\b[pq] ?[=<]|待核查|to be verified|★|href|complain|投诉|roster|名册", re.IGNORECASE
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("pages")
    report.write_dealer_pages(audit(), target, pages=some(), reply_to="quality@example.com", run="2026Q3")
    return target


def some() -> list[Any]:
    """The listed dealers, and one of every other status."""
    others = [audit().dealers[audit().status.index(status)] for status in set(audit().status) - {"to_be_verified"}]
    return [*flagged(), *others]


def text_of(path: Path) -> str:
    """Visible text of a page, blanks collapsed."""
    page = re.sub(r"<style>.*?</style>", " ", path.read_text(encoding="utf-8"), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " "))


def told(dealer: Any) -> list[str]:
    """Signals the default page of a dealer may name."""
    return [reason.signal for reason in audit().reasons(dealer) if reason.signal in DISCLOSED and reason.p_value <= 0.05]


def flagged() -> list[Any]:
    return list(audit().dealers[audit().flagged])


def test_pages_of_dealers_chosen_and_of_the_list(folder: Path, tmp_path: Path) -> None:
    assert len(list(folder.glob("dealers/*.html"))) == len(list(folder.glob("dealers_internal/*.html"))) == 2 * len(some())
    assert _chosen(audit(), "all") == audit().dealers.tolist()
    written = report.write_dealer_pages(audit(), tmp_path, languages=("en",))
    assert {path.name for path in written} == {f"{name}.en.html" for name in flagged()}
    one = report.write_dealer_pages(audit(), tmp_path, pages=[flagged()[0]], languages=("zh",))
    assert [path.parent.name for path in one] == ["dealers", "dealers_internal"]


def test_a_dealer_sees_no_other_dealer_no_chance_and_nothing_kept_inside(folder: Path) -> None:
    names = set(map(str, audit().dealers))
    for path in folder.glob("dealers/*.html"):
        text, own = text_of(path), path.name.split(".")[0]
        assert set(re.findall(r"\bD\d+\b", text)) & names == {own}
        assert not NEVER.search(text) and not NOT_FOR_DEALERS.search(text), path.name
        assert "nan" not in text
    for path in folder.glob("dealers_internal/*.html"):
        assert not NEVER.search(text_of(path))


def test_a_listed_dealer_reads_what_was_seen_what_is_asked_and_that_it_is_no_finding(folder: Path) -> None:
    dealer = next(name for name in flagged() if told(name))
    english, chinese = (text_of(folder / f"dealers/{dealer}.{language}.html") for language in ("en", "zh"))
    seen = [reason for reason in audit().reasons(dealer) if reason.signal in DISCLOSED and reason.p_value <= 0.05]
    for reason in seen:
        assert reason.text("en") in english and reason.text("zh") in chinese
    others = [reason for reason in audit().reasons(dealer) if reason.signal not in DISCLOSED]
    assert not any(reason.text("en") in english for reason in others)
    record = audit().dealer(dealer)
    assert f"Score {record.figures['score']:.2f} (median of the network {record.medians['score']:.2f})" in english
    for said in ("No. 2026Q3-", "The figures differ from what is expected. They establish no fault.", "Within 10 working days",
                 "quality@example.com", "You will be told the outcome in writing.", "nothing follows this period", "Page 1 of 1"):
        assert said in english
    for said in ("满意度数据核查说明", "以上数据与预期存在差异,并不认定贵店存在问题。", "10 个工作日内提供", "如未证实,本期不作任何处理"):
        assert said in chinese


def test_without_a_signal_to_tell_figures_are_held_and_no_list_is_shown(tmp_path: Path) -> None:
    dealer = flagged()[0]
    report.write_dealer_pages(audit(), tmp_path, pages=[dealer], disclose=(), languages=("en", "zh"))
    page = (tmp_path / f"dealers/{dealer}.en.html").read_text(encoding="utf-8")
    assert "Some figures of this period are held for verification." in page and "<ol>" not in page
    assert "本期部分数据待核实" in text_of(tmp_path / f"dealers/{dealer}.zh.html")


def test_a_dealer_not_listed_is_asked_nothing(folder: Path) -> None:
    dealer = next(name for name, status in zip(audit().dealers, audit().status, strict=True) if status == "watch")
    text = text_of(folder / f"dealers/{dealer}.en.html")
    assert "No figure of this period is held for verification." in text and "Nothing is asked of you." in text
    assert "working days" not in text and "Reply" not in text


def test_no_count_below_the_minimum(tmp_path: Path) -> None:
    dealer = next(name for name in flagged() if told(name))
    report.write_dealer_pages(audit(), tmp_path, pages=[dealer], minimum_group=100_000, languages=("en",))
    text = text_of(tmp_path / f"dealers/{dealer}.en.html")
    assert "fewer than 100000" in text and "Score" not in text and "held for verification" in text
    page = (tmp_path / f"dealers/{dealer}.en.html").read_text(encoding="utf-8")
    assert "<svg" not in page
    n, own = (audit().dealer(dealer).figures[name] for name in ("n", "n_own"))
    report.write_dealer_pages(audit(), tmp_path, pages=[dealer], minimum_group=int(n - own) + 1, languages=("en",))
    assert f"Forms {n:.0f} 1 What we see" in text_of(tmp_path / f"dealers/{dealer}.en.html").replace("  ", " ")


def test_the_auditors_copy_has_every_signal_the_plan_and_the_case(folder: Path) -> None:
    for dealer in flagged():
        record = audit().dealer(dealer)
        page = (folder / f"dealers_internal/{dealer}.en.html").read_text(encoding="utf-8")
        assert len(re.findall(r"<tr><td class=\"s\">", page)) == len(record.signals)
        text = text_of(folder / f"dealers_internal/{dealer}.en.html")
        assert f"Corrected {record.figures['corrected_score']:.2f} (" in text.replace("corrected", "Corrected")
        if record.figures["calls"]:
            below = 100 * record.figures["settles_below"]
            assert f"Call {record.figures['calls']:.0f} of the {record.figures['n_own']:.0f} customers" in text
            assert f"a confirmed share under {below:.0f} % settles" in text
        for box in ("opened", "answered", "verified", "closed"):
            assert f"<div>{box}</div>" in page


def test_the_auditors_copy_dates_a_change_of_level() -> None:
    def dated(of: Any) -> Any:
        days = {name: np.full(of.n.size, np.datetime64(day)) for name, day in
                (("onset", "2026-05-03"), ("onset_low", "2026-04-20"), ("onset_high", "2026-05-10"))}
        return dataclasses.replace(of, details={**of.details, **days}) if of.name == "onset" else of

    a = dataclasses.replace(audit(), signals=tuple(map(dated, audit().signals)))
    of = next(each for each in a.signals if each.name == "onset")
    dealer = of.labels["dealer"][np.isfinite(of.p_value)][0]
    assert onset(a, dealer, Words("en")) == "2026-05-03 (2026-04-20 to 2026-05-10)"
    assert onset(audit(), dealer, Words("zh")) == "" or re.match(r"\d{4}", onset(audit(), dealer, Words("zh")))


def test_a_change_of_level_without_a_day_has_words() -> None:
    of = next(each for each in audit().signals if each.name == "onset")
    nowhere = {name: np.full(of.n.size, np.datetime64("NaT", "D")) for name in ("onset", "onset_low", "onset_high")}
    undated = dataclasses.replace(
        of, details={**of.details, **nowhere}, p_value=np.full(of.n.size, 0.01), effect=np.full(of.n.size, 0.4)
    )
    reason = dataclasses.replace(audit(), signals=(undated,)).reasons(of.labels["dealer"][0])[0]
    assert reason.text() == "Late in the period the score is 0.40 points higher than before, unlike at other dealers."


def test_forms_by_day_and_hour_are_those_of_the_dealer() -> None:
    a, rhythm = audit(), Rhythm.of(audit())
    assert rhythm is not None and rhythm.width == 7 and a.responses is not None and a.responses.time is not None
    dealer = a.dealers[3]
    rows = a.responses.own & (a.responses.dealer == dealer) & ~np.isnat(a.responses.time)
    times = pd.Series(a.responses.time[rows])
    assert rhythm.hours[3].tolist() == [int((times.dt.hour == hour).sum()) for hour in range(24)]
    assert rhythm.days[3].sum() == rows.sum() and rhythm.part(0) == str(rhythm.first)[5:]
    low, high = rhythm.range(rhythm.hours, 3, 5)
    assert (low <= high).all() and high.max() <= rows.sum()
    assert Rhythm.of(vs.load(a.to_json())) is None


def test_pages_of_an_audit_read_back(tmp_path: Path) -> None:
    back = vs.load(audit().to_json())
    written = report.write_dealer_pages(back, tmp_path, languages=("en",))
    assert written and all("<svg" not in path.read_text(encoding="utf-8") for path in written)


def test_file_names_every_system_takes() -> None:
    labels = ["D1", "北京/朝阳:店", "北京_朝阳_店", "a\\b", "..", "CON", "con", "店" * 100, 7, "D 1", "x\ny"]
    names = file_names(labels)
    assert names["D1"] == "D1" and names[7] == "7"
    assert len({name.casefold() for name in names.values()}) == len(labels)
    for name in names.values():
        assert not re.search(r'[\\/:*?"<>|\s\x00-\x1f]', name) and name.strip(".") == name and 0 < len(name.encode()) <= 140
        assert name.casefold() not in ("con", "..")


def test_odd_names_of_dealers(tmp_path: Path) -> None:
    rng = np.random.default_rng(80_011)
    names = ["<b>店/1</b>", "..", "北京 店"]
    a = vs.audit_dealers(pd.DataFrame({"dealer": np.repeat(names, 9), "score": rng.integers(5, 11, 27)}), channel=None)
    written = report.write_dealer_pages(a, tmp_path, pages="all", languages=("zh",))
    assert all(path.parent.parent == tmp_path for path in written) and len({path.name for path in written}) == 3
    assert "&lt;b&gt;店/1&lt;/b&gt;" in next(path for path in written if path.name.startswith("_b") or "1" in path.name).read_text("utf-8")


@pytest.mark.parametrize(("wrong", "said"), [
    ({"pages": "D0001"}, "pages must be"), ({"pages": ["nobody"]}, "no dealer"), ({"languages": ("fr",)}, "languages must be one of"),
    ({"disclose": ("channel_gap",)}, "dealers are not told"), ({"disclose": ("shape",)}, "no signal"),
    ({"minimum_group": 0}, "minimum_group"), ({"reply_days": 1.5}, "reply_days"),
])
def test_bad_input(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(vs.InputError, match=said):
        report.write_dealer_pages(audit(), tmp_path, **wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(BROWSER is None, reason="no Chromium found")
def test_the_fullest_page_prints_on_one_sheet(tmp_path: Path) -> None:
    """Every signal shows at one dealer, everything that may be told is told; in English, the longer language."""
    dealer = flagged()[0]

    def showing(of: Any) -> Any:
        place = of.labels["dealer"] == dealer
        effect = np.where(place, np.abs(np.nan_to_num(of.effect)) + 0.01, of.effect)
        return dataclasses.replace(of, p_value=np.where(place, 1e-4, of.p_value), effect=effect)

    full = dataclasses.replace(audit(), signals=tuple(map(showing, audit().signals)))
    everything = [name for name in signal_names() if name not in KEPT_INSIDE]
    written = report.write_dealer_pages(
        full, tmp_path, pages=[dealer], disclose=everything, languages=("en",), minimum_group=1, reply_to="quality@example.com"
    )
    for path in written:
        sheet = tmp_path / "sheet.pdf"
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer", f"--print-to-pdf={sheet}"]
        subprocess.run([*command, path.as_uri()], capture_output=True, timeout=120, check=True)
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", sheet.read_bytes())) == 1, path
