"""What pain points there are: stable keys, labels and definitions, and from a source's own codes to the keys."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, get_args

from .._checks import choice, is_missing, named_columns, nearest, unmasked
from ..errors import InputError, shown
from ..options import Language, Unmatched
from .codes import MappedCodes, mapped_codes

LANGUAGES: tuple[str, ...] = get_args(Language)
_FIELDS = tuple(f"{part}_{language}" for part in ("label", "definition") for language in LANGUAGES)
Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taxonomy:
    """Pain points by stable key, with labels and definitions in English and Chinese.

    Attributes
    ----------
    keys : tuple of str
        In the order in which they are listed.
    labels : {language: {key: label}}
        In at least one of ``"en"`` and ``"zh"``; a language has a label for every key or for none.
    definitions : {language: {key: definition}}
        One sentence each, where given.

    Raises
    ------
    InputError
        A key stands twice, a label is missing, or two pains have the same label.
    """

    keys: tuple[str, ...]
    labels: Texts
    definitions: Texts

    def __post_init__(self) -> None:
        self._check_keys()
        for name in ("labels", "definitions"):
            texts = {language: MappingProxyType(dict(known)) for language, known in getattr(self, name).items() if known}
            object.__setattr__(self, name, MappingProxyType(texts))
        object.__setattr__(self, "keys", tuple(self.keys))
        if not self.labels:
            raise InputError(
                "No pain point has a label. Give label_en, label_zh or both.", code="taxonomy_without_labels", argument="taxonomy"
            )
        for language in self.labels:
            self._check_labels(language)

    def _check_keys(self) -> None:
        odd = [key for key in self.keys if not isinstance(key, str) or not key.strip() or key != key.strip()]
        if odd or not self.keys:
            raise InputError(
                f"Every pain point needs a key: text without spaces around it. Got {shown(odd) if odd else 'none'}.",
                code="taxonomy_keys", argument="taxonomy", levels=odd, got=shown(odd),
            )
        twice = sorted({key for key in self.keys if self.keys.count(key) > 1})
        if twice:
            raise InputError(
                f"The taxonomy lists {shown(twice)} more than once. Keep one of each.", code="duplicate_pain_points", argument="taxonomy",
                levels=twice, rows=[row for row, key in enumerate(self.keys) if key in twice],
            )

    def _check_labels(self, language: str) -> None:
        choice(language, Language, "language")
        labels = self.labels[language]
        lacking = [key for key in self.keys if not labels.get(key, "").strip()]
        if lacking:
            raise InputError(
                f"label_{language} is missing for {shown(lacking)}. Give every pain point one, or none.", code="missing_labels_of_pains",
                argument=f"label_{language}", levels=lacking, rows=[self.keys.index(key) for key in lacking],
            )
        given = [labels[key] for key in self.keys]
        again = [key for key in self.keys if given.count(labels[key]) > 1]
        if again:
            raise InputError(
                f"{shown(again)} have the same label_{language}. Readers could not tell them apart; word them differently.",
                code="same_labels", argument=f"label_{language}", levels=again,
            )

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"Taxonomy({len(self)} pain points: {shown(self.keys, 3)})"

    @classmethod
    def default(cls) -> Taxonomy:
        """The eighteen pain points of the package.

        Returns
        -------
        Taxonomy

        Examples
        --------
        >>> from vocstats.prevalence import Taxonomy
        >>> Taxonomy.default().label("hidden_cost", "zh")
        '隐性成本'
        """
        return _default()

    @classmethod
    def load(cls, source: Any) -> Self:
        """A taxonomy of one's own.

        Parameters
        ----------
        source : path, dataframe or mapping
            A TOML file with a table ``[key]`` for each pain point, which holds ``label_en``, ``label_zh``, ``definition_en`` and
            ``definition_zh``, as far as there are any; or a table with these columns and ``key``.

        Returns
        -------
        Taxonomy

        Raises
        ------
        InputError
            The file cannot be read, a key stands twice, a label is missing, or two pains have the same label.
        """
        if isinstance(source, (str, PathLike)):
            return cls._of(_read_toml(Path(source)))
        columns = named_columns(source, "taxonomy")
        if "key" not in columns:
            raise InputError(
                f"A taxonomy needs the column 'key'; there are {shown(columns)}.", code="taxonomy_without_key", argument="taxonomy",
                present=shown(columns),
            )
        keys = unmasked(columns["key"]).tolist()
        fields = {name: unmasked(columns[name]).tolist() for name in _FIELDS if name in columns}
        return cls._of([(key, {name: values[row] for name, values in fields.items()}) for row, key in enumerate(keys)])

    @classmethod
    def _of(cls, rows: list[tuple[Any, Mapping[str, Any]]]) -> Self:
        def texts(part: str) -> dict[str, dict[str, str]]:
            return {
                language: {
                    key: str(row[f"{part}_{language}"]) for key, row in rows
                    if isinstance(key, str) and not is_missing(row.get(f"{part}_{language}"))
                }
                for language in LANGUAGES
            }

        return cls(keys=tuple(key for key, _ in rows), labels=texts("label"), definitions=texts("definition"))

    def label(self, key: str, language: Language = "en") -> str:
        """What a pain point is called.

        Parameters
        ----------
        key : str
            Its key.
        language : {"en", "zh"}
            Where the taxonomy has no labels in it, those of the other language stand in.

        Returns
        -------
        str

        Raises
        ------
        InputError
            The taxonomy has no such key.
        """
        self.require([key])
        labels = self.labels.get(choice(language, Language, "language"))
        return (labels or next(iter(self.labels.values())))[key]

    def definition(self, key: str, language: Language = "en") -> str:
        """What a pain point means, in one sentence.

        Parameters
        ----------
        key : str
            Its key.
        language : {"en", "zh"}
            Where it has no definition in it, that of the other language stands in.

        Returns
        -------
        str
            Empty where it has none.

        Raises
        ------
        InputError
            The taxonomy has no such key.
        """
        self.require([key])
        first = self.definitions.get(choice(language, Language, "language"), {}).get(key)
        return first or next((known[key] for known in self.definitions.values() if known.get(key)), "")

    def require(self, keys: Iterable[Any], *, argument: str = "pain_point") -> None:
        """Raise unless the taxonomy has all of these keys.

        Parameters
        ----------
        keys : iterable
            Keys, repeated or not.
        argument : str
            What the message names.

        Returns
        -------
        None

        Raises
        ------
        InputError
            Some are unknown; the message names them and the most similar key.
        """
        unknown = [key for key in dict.fromkeys(keys) if key not in self.keys]
        if unknown:
            near = nearest(unknown[0], self.keys)
            raise InputError(
                f"{argument} has keys that are not in the taxonomy: {shown(unknown)}." + (f" Did you mean {near!r}?" if near else "")
                + " Correct them, map the source's codes with Taxonomy.map_codes, or load a taxonomy that has them.",
                code="unknown_pain_points", argument=argument, levels=unknown, unknown=shown(unknown),
                near=f"是否为 '{near}'?" if near else "",
            )

    def map_codes(self, codes: Any, mapping: Mapping[Any, str], *, unmatched: Unmatched = "fail") -> MappedCodes:
        """A source's own codes as keys of this taxonomy, many to one.

        Parameters
        ----------
        codes : array (n,)
            Code of each row, text or whole numbers; missing where the row has none.
        mapping : {code: key}
            Which key each code stands for. Numbers and text match where they are written alike: 12, 12.0 and "12".
        unmatched : {"fail", "set_aside"}
            What to do with rows whose code is missing or not in `mapping`; set aside, they are counted.

        Returns
        -------
        MappedCodes
            Key of each row, and what was set aside.

        Raises
        ------
        InputError
            A code is not in `mapping`, or `mapping` leads to a key the taxonomy does not have.

        Examples
        --------
        >>> from vocstats.prevalence import Taxonomy
        >>> codes = ["late", "dear", "lost", "late", "thanks"]
        >>> mapping = {"late": "delivery", "lost": "delivery", "dear": "price_value"}
        >>> found = Taxonomy.default().map_codes(codes, mapping, unmatched="set_aside")
        >>> found.keys.tolist(), found.set_aside
        (['delivery', 'price_value', 'delivery', 'delivery', None], {'thanks': 1})
        """
        choice(unmatched, Unmatched, "unmatched")
        self.require(mapping.values(), argument="mapping")
        found, without = mapped_codes(codes, mapping)
        if without.size and unmatched == "fail":
            raise InputError(
                f"{without.size} rows of codes have no pain point: codes {shown(found.set_aside)}, {found.missing} rows without a code, at "
                f"rows {shown(without)}. Add them to the mapping, or set them aside with unmatched='set_aside'.",
                code="unmapped_codes", argument="codes", rows=without, levels=list(found.set_aside), count=int(without.size),
                codes=shown(found.set_aside), missing=found.missing,
            )
        return found


@cache
def _default() -> Taxonomy:
    text = files(__package__).joinpath("taxonomy.toml").read_text(encoding="utf-8")
    return Taxonomy._of(list(tomllib.loads(text).items()))


def _read_toml(path: Path) -> list[tuple[Any, Mapping[str, Any]]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"The taxonomy {str(path)!r} cannot be read as a TOML file in UTF-8: {error}. A table goes through "
            "Taxonomy.load(vocstats.tables.read_table(path)).",
            code="taxonomy_unreadable", argument="taxonomy", path=str(path), reason=str(error),
        ) from None
    for key, fields in document.items():
        unknown = [name for name in fields if name not in _FIELDS] if isinstance(fields, dict) else ["="]
        if unknown:
            raise InputError(
                f"[{key}] of the taxonomy must be a table of {shown(_FIELDS, len(_FIELDS))}; it has {shown(unknown)}.",
                code="taxonomy_fields", argument="taxonomy", levels=unknown, key=key, allowed=", ".join(_FIELDS), unknown=shown(unknown),
            )
    return list(document.items())
