"""Forms with the same answers at the same dealer, found by sorting: no form is held against every other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Forms alike in the items compared, at one dealer, two or more.

    Attributes
    ----------
    dealer, pattern, size : int arrays (B,)
    expected : Floats (B,)
        Such forms expected at this dealer.
    chance : Floats (B,)
        Probability of the pattern at the other dealers, in the level class that gives it most.
    """

    dealer: Integers
    pattern: Integers
    size: Integers
    expected: Floats
    chance: Floats

    def where(self, kept: npt.NDArray[np.bool_]) -> Blocks:
        """Some of them."""
        return Blocks(self.dealer[kept], self.pattern[kept], self.size[kept], self.expected[kept], self.chance[kept])

    @property
    def surprise(self) -> Floats:
        """Poisson deviance m log(m / λ) - m + λ of the blocks larger than expected."""
        m, expected = self.size.astype(float), self.expected
        return np.where(m > expected, m * np.log(m / expected) - m + expected, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """One choice of items compared (all but those left out) and the network's patterns in them that occur twice or more.

    Attributes
    ----------
    left_out : int
        Number of items that may differ.
    forms : int array (f,)
        Forms whose pattern another form of the network shares.
    pattern : int32 array (f,)
        Its number.
    seen, modelled : Floats (patterns, C)
        Probability of the pattern by level class, up to the forms left out below: the part seen and the part of the item model.
    total : Floats (patterns,)
        Forms of the network with the pattern.
    """

    left_out: int
    forms: Integers
    pattern: npt.NDArray[np.int32]
    seen: Floats
    modelled: Floats
    total: Floats

    def blocks(self, dealer: Integers, by_class: Floats) -> Blocks:
        """Blocks of forms when form i stands at dealer[i]; `by_class` (D, C) counts the forms of a dealer by level class."""
        patterns = max(self.total.size, 1)
        key = np.sort(dealer[self.forms] * patterns + self.pattern)
        start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])[: key.size])
        size = np.diff(np.append(start, key.size))
        start, size = start[size > 1], size[size > 1]
        at, pattern = np.divmod(key[start], patterns)
        elsewhere = (1.0 - size / self.total[pattern])[:, None]
        chance = self.seen[pattern] * elsewhere + self.modelled[pattern]
        return Blocks(at, pattern, size, np.einsum("bc,bc->b", by_class[at], chance), chance.max(axis=1, initial=0.0))

    def members(self, dealer: Integers, blocks: Blocks) -> tuple[Integers, Integers]:
        """Forms of the blocks, and the block of each."""
        key = blocks.dealer * self.total.size + blocks.pattern
        order = np.argsort(key)
        of = dealer[self.forms] * self.total.size + self.pattern
        place = np.minimum(np.searchsorted(key[order], of), key.size - 1)
        found = key[order][place] == of
        return self.forms[found], order[place[found]]


def item_shares(answers: Integers, level_class: Integers) -> list[Floats]:
    """Share of each answer to each item by level class, (answers, C); half a form is added to each."""
    classes, shares = int(level_class.max(initial=0)) + 1, []
    for codes in answers.T:
        size = int(codes.max(initial=0)) + 1
        counted = np.bincount(codes * classes + level_class, minlength=size * classes).reshape(size, classes) + 0.5
        shares.append(counted / counted.sum(axis=0))
    return shares


def comparisons(answers: Integers, level_class: Integers, shares: list[Floats], most: int) -> Iterator[Comparison]:
    """Every choice of items compared, none to `most` of them left out.

    The probability of a pattern x given the level class c is Witten and Bell's: what is seen in the network, and for the unseen the
    item model q, which has as much weight as there are distinct patterns t,

        P(x | c) = (N_xc + t_c q_xc) / (N_c + t_c),    q_xc = Π_k p_k(x_k | c)

    Parameters
    ----------
    answers : int array (n, K)
        Codes from 0.
    level_class : int array (n,)
    shares : list of Floats (answers, C)
        Of `item_shares`.
    most : int
    """
    count = answers.shape[1]
    words = [np.random.default_rng(item).integers(1, 2**63, share.shape[0], np.uint64) for item, share in enumerate(shares)]
    hashed = np.stack([word[answers[:, item]] for item, word in enumerate(words)])
    whole = hashed.sum(axis=0, dtype=np.uint64)
    for left_out in range(most + 1):
        for omitted in combinations(range(count), left_out):
            items = [item for item in range(count) if item not in omitted]
            yield _comparison(whole - hashed[list(omitted)].sum(axis=0, dtype=np.uint64), answers, items, level_class, shares)


def _comparison(
    key: npt.NDArray[np.uint64], answers: Integers, items: list[int], level_class: Integers, shares: list[Floats]
) -> Comparison:
    """Patterns are told apart by the sum of one random 64-bit word per item and answer."""
    classes = shares[0].shape[1]
    order = np.argsort(key)
    new = np.concatenate([[True], key[order][1:] != key[order][:-1]])
    number = np.empty(key.size, np.intp)
    number[order] = np.cumsum(new) - 1
    total = np.bincount(number)
    cell = np.bincount(number * classes + level_class, minlength=total.size * classes).reshape(-1, classes)
    forms, distinct = np.bincount(level_class, minlength=classes), (cell > 0).sum(axis=0)
    shared = total > 1
    example = answers[order[new][shared]]
    logs = np.zeros((example.shape[0], classes))
    for item in items:
        logs += np.log(shares[item])[example[:, item]]
    mine, mass = np.flatnonzero(shared[number]), np.maximum(forms + distinct, 1)
    return Comparison(
        left_out=answers.shape[1] - len(items), forms=mine, pattern=(np.cumsum(shared) - 1).astype(np.int32)[number[mine]],
        seen=cell[shared] / mass, modelled=np.exp(logs) * distinct / mass, total=total[shared].astype(float),
    )
