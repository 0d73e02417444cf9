"""The taxonomy has the eighteen pains of the glossary, reads the user's own, and maps codes without losing a row."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from vocstats.errors import InputError
from vocstats.prevalence import MappedCodes, Taxonomy

LABELS = {
    "information_overload": "信息过载", "product_quality": "质量与功能隐忧", "price_value": "价格与价值不符",
    "purchase_friction": "购买支付繁琐", "delivery": "交付不可控", "after_sales": "售后支持低效", "personalisation": "个性化不足",
    "learning_cost": "学习与更新成本高", "data_privacy": "数据隐私担忧", "emotional_bond": "情感联结缺失",
    "long_term_uncertainty": "长期价值不确定", "unheard_feedback": "反馈无门", "channel_fragmentation": "渠道体验割裂",
    "hidden_cost": "隐性成本", "ethics": "社会责任缺失", "community": "归属与社群缺失", "time_efficiency": "耗时不便",
    "stale_innovation": "创新停滞",
}
OWN = {
    "key": ["range", "noise"], "label_en": ["Range", "Noise"], "label_zh": ["续航不足", "噪音"],
    "definition_zh": ["续航短于标称。", None],
}


@pytest.fixture
def own() -> Taxonomy:
    return Taxonomy.load(OWN)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# the eighteen


def test_the_eighteen_are_those_of_the_glossary():
    taxonomy = Taxonomy.default()
    assert {key: taxonomy.label(key, "zh") for key in taxonomy.keys} == LABELS
    assert list(taxonomy.keys) == list(LABELS)
    assert len(taxonomy) == 18


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_pain_has_a_sentence_of_its_own(language):
    taxonomy = Taxonomy.default()
    sentences = [taxonomy.definition(key, language) for key in taxonomy.keys]
    assert len(set(sentences)) == 18
    for sentence in sentences:
        assert sentence.endswith("。" if language == "zh" else ".")
        assert sentence.count("。" if language == "zh" else ". ") == (language == "zh")


def test_the_default_is_one_object_and_cannot_be_changed():
    taxonomy = Taxonomy.default()
    assert taxonomy is Taxonomy.default()
    with pytest.raises(TypeError):
        taxonomy.labels["en"]["ethics"] = "Ethics"
    assert repr(taxonomy).startswith("Taxonomy(18 pain points: 'information_overload'")


# one's own


@pytest.mark.parametrize("table", [OWN, pd.DataFrame(OWN), pl.DataFrame(OWN)], ids=["mapping", "pandas", "polars"])
def test_a_table_is_read_alike_from_every_engine(table, own):
    read = Taxonomy.load(table)
    assert (read.keys, read.labels, read.definitions) == (own.keys, own.labels, own.definitions)
    assert read.label("range") == "Range"
    assert read.definition("range", "zh") == "续航短于标称。"
    assert read.definition("noise") == ""


def test_a_toml_file_is_read_as_the_table(tmp_path, own):
    path = write(tmp_path / "own.toml", """
        [range]
        label_en = "Range"
        label_zh = "续航不足"
        definition_zh = "续航短于标称。"
        [noise]
        label_en = "Noise"
        label_zh = "噪音"
    """)
    for source in (path, str(path)):
        read = Taxonomy.load(source)
        assert (read.keys, read.labels, read.definitions) == (own.keys, own.labels, own.definitions)


def test_labels_and_definitions_of_the_other_language_stand_in(own):
    chinese = Taxonomy.load({"key": ["续航", "噪音"], "label_zh": ["续航不足", "噪音大"]})
    assert chinese.label("续航") == chinese.label("续航", "zh") == "续航不足"
    assert own.definition("range", "en") == "续航短于标称。"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"key": ["a", "b", "a"], "label_en": ["A", "B", "C"]}, "The taxonomy lists 'a' more than once"),
        ({"key": ["a", "b"], "label_en": ["A", None]}, "label_en is missing for 'b'. Give every pain point one, or none"),
        ({"key": ["a", "b"], "label_en": ["A", " "]}, "label_en is missing for 'b'"),
        ({"key": ["a", "b"], "label_en": ["A", "B"], "label_zh": ["甲", "甲"]}, "'a', 'b' have the same label_zh"),
        ({"key": ["a", None], "label_en": ["A", "B"]}, "Every pain point needs a key: text without spaces around it. Got None"),
        ({"key": ["a", "b "], "label_en": ["A", "B"]}, "Got 'b '"),
        ({"key": [1, 2], "label_en": ["A", "B"]}, "Got 1, 2"),
        ({"key": [], "label_en": []}, "Every pain point needs a key"),
        ({"key": ["a"]}, "No pain point has a label. Give label_en, label_zh or both"),
        ({"name": ["a"], "label_en": ["A"]}, "A taxonomy needs the column 'key'; there are 'name', 'label_en'"),
    ],
)
def test_a_taxonomy_that_cannot_be_used_is_refused(table, message):
    with pytest.raises(InputError, match=message):
        Taxonomy.load(table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nlabel_en = "A"\nlable_zh = "甲"', r"\[a\] of the taxonomy must be a table of 'label_en'.*; it has 'lable_zh'"),
        ('a = "A"', r"\[a\] of the taxonomy must be a table"),
        ('[a]\nlabel_en = "A"\n[a]\nlabel_en = "B"', "cannot be read as a TOML file in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        Taxonomy.load(write(tmp_path / "own.toml", text))


def test_a_file_that_is_absent_is_named(tmp_path):
    with pytest.raises(InputError, match=r"The taxonomy '.*absent\.toml' cannot be read"):
        Taxonomy.load(tmp_path / "absent.toml")


def test_unknown_keys_are_named_with_the_nearest():
    message = r"pain_point has keys that are not in the taxonomy: 'delivry'\. Did you mean 'delivery'\?"
    with pytest.raises(InputError, match=message) as caught:
        Taxonomy.default().require(["ethics", "delivry", "delivry"])
    assert caught.value.levels == ("delivry",)
    with pytest.raises(InputError, match="not in the taxonomy: 'engine'"):
        Taxonomy.default().label("engine")


# codes


CODES = {"V01": "range", "V02": "range", 12: "noise"}


def test_codes_are_mapped_many_to_one(own):
    found = own.map_codes(["V02", "V01", "12", "V01"], CODES)
    assert isinstance(found, MappedCodes)
    assert found.keys.tolist() == ["range", "range", "noise", "range"]
    assert (found.set_aside, found.missing) == ({}, 0)


@pytest.mark.parametrize(
    "codes",
    [
        [1, 2, 1], np.array([1.0, 2.0, 1.0]), ["1", "2", "1"], pd.Series(["1", "2", "1"]), pd.Series([1, 2, 1], dtype="Int64"),
        pl.Series([1, 2, 1]),
    ],
)
def test_numbers_and_text_match_where_they_are_written_alike(own, codes):
    assert own.map_codes(codes, {"1": "range", 2: "noise"}).keys.tolist() == ["range", "noise", "range"]


def test_unknown_codes_are_an_error_that_names_them_and_their_rows(own):
    message = "3 rows of codes have no pain point: codes 'X9', 'x1', 1 rows without a code, at rows 1, 2, 4"
    with pytest.raises(InputError, match=message) as caught:
        own.map_codes(["V01", "X9", None, "V02", "x1"], CODES)
    assert (caught.value.rows, caught.value.levels) == ((1, 2, 4), ("X9", "x1"))


def test_unknown_codes_are_set_aside_and_counted_when_asked(own):
    found = own.map_codes(["V01", "X9", None, "X9", np.nan, "x1"], CODES, unmatched="set_aside")
    assert found.keys.tolist() == ["range", None, None, None, None, None]
    assert (found.set_aside, found.missing) == ({"X9": 2, "x1": 1}, 2)


def test_a_mapping_to_nowhere_is_refused(own):
    with pytest.raises(InputError, match=r"mapping has keys that are not in the taxonomy: 'rnage'\. Did you mean 'range'\?"):
        own.map_codes(["V01"], {"V01": "rnage"})
    with pytest.raises(InputError, match="mapping leads from '1' to 'range' and to 'noise'"):
        own.map_codes([1], {1: "range", "1": "noise"})


def test_no_codes_give_no_keys(own):
    assert own.map_codes([], CODES).keys.tolist() == []
    with pytest.raises(InputError, match="codes must have one dimension"):
        own.map_codes([["V01"]], CODES)


def test_a_million_codes_take_seconds(own):
    codes = np.tile(np.array(["V01", "V02", "12"], object), 333_334)
    assert np.sum(own.map_codes(codes, CODES).keys == "noise") == 333_334
