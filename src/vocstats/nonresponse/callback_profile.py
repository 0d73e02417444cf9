"""The likelihood of the attempts along a mean: limits where its deviance reaches the chi-square quantile."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from .._checks import Floats
from .callback_likelihood import CallLikelihood, Point, reduced

_CLOSE, _STEPS = 1e-4, 60  # of the root of the deviance at a limit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """The likelihood along the mean of `values` (cells,), followed from its maximum `top` outwards."""

    full: CallLikelihood
    values: Floats
    top: Point
    held: Floats = field(init=False)
    free: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", np.vstack([self.full.member, self.full.share[self.full.group] * self.values]))
        object.__setattr__(self, "free", linalg.null_space(self.held))

    def limits(self, root: float) -> tuple[float, float]:
        """Means at which the root of the deviance is `root`."""
        return self._limit(-1.0, root), self._limit(1.0, root)

    def at(self, mean: float, near: Point) -> Point | None:
        """The maximum among all points of that mean, climbed from one nearby."""
        return self.full.climbed(self._shifted(near, mean), self.free)

    def root(self, at: Point) -> float:
        """Root of twice what the log-likelihood falls short of its maximum."""
        return float(np.sqrt(max(2.0 * (self.full.value(self.top) - self.full.value(at)), 0.0)))

    def _limit(self, way: float, goal: float) -> float:
        """One limit: steps grow until it is passed, or the range of the values ends; then the root is bracketed."""
        centre = self.full.mean(self.values, self.top)
        end = float(self.values.max() if way > 0 else self.values.min())
        low, low_root, point = centre, 0.0, self.top
        high, high_root = end, np.inf
        step = min(goal * float(np.sqrt(self.full.variance(self.values, self.top))), 0.3 * abs(end - centre))
        for _ in range(_STEPS):
            if abs(high - low) < 1e-8 * abs(end - centre):
                break
            if np.isinf(high_root):
                mean = low + way * min(step, 0.5 * abs(high - low))
            else:
                mean = low + (high - low) * float(np.clip((goal - low_root) / (high_root - low_root), 0.02, 0.98))
            moved = self.at(mean, point)
            if moved is None:  # too far to be reached, or beyond what the likelihood can bear
                high, step = mean, step / 4.0
                continue
            root = self.root(moved)
            if abs(root - goal) < _CLOSE:
                return mean
            if root > goal:
                high, high_root = mean, root
            else:
                slope = (root - low_root) / abs(mean - low)
                step = float(np.clip(1.05 * (goal - root) / max(slope, 1e-300), 0.1 * step, 3.0 * step))
                low, low_root, point = mean, root, moved
        return low

    def _shifted(self, at: Point, mean: float) -> Point:
        """Where the tangent of the profile leads, or, where that leaves the range of parameters, shares tilted by the values."""
        full, p = self.full, self.full.parameters
        ends = np.zeros(len(self.held))
        ends[-1] = mean - full.mean(self.values, at)
        shift = np.concatenate([np.zeros(p), at.f * (self.held.T @ np.linalg.lstsq((self.held * at.f) @ self.held.T, ends, rcond=None)[0])])
        curvature = full.derivatives(at)[1]
        slope, table = reduced(curvature @ shift, curvature, self.free, p)
        back = np.linalg.lstsq(-table, slope, rcond=None)[0]
        moved = Point(at.theta + back[:p], at.f + shift[p:] + self.free @ back[p:])
        if (moved.f > 0.2 * at.f).all() and np.isfinite(full.value(moved)):
            return moved
        return Point(at.theta, self._tilted(at.f, mean))

    def _tilted(self, f: Floats, mean: float) -> Floats:
        full, centred = self.full, self.values - mean
        most = 2.0 / float(np.ptp(self.values))
        for _ in range(200):
            share = full.share[full.group] * f
            missed = float(share @ centred)
            if abs(missed) < 1e-13 * float(np.abs(self.values).max()):
                break
            inner = (full.member @ (f * centred))[full.group]
            f = f * np.exp(float(np.clip(-missed / float(share @ (centred - inner) ** 2), -most, most)) * centred)
            f = f / (full.member @ f)[full.group]
        return f


def outer_limits(models: list[tuple[CallLikelihood, Point]], values: Floats, allowed: float) -> tuple[float, float]:
    """Limits where the deviance is `allowed`, the outermost of several models with their maxima.

    What the likelihood of a later model falls short of the first's counts as deviance.
    """
    first, low, high = models[0][0].value(models[0][1]), np.inf, -np.inf
    for full, top in models:
        left = allowed - max(2.0 * (first - full.value(top)), 0.0)
        if left > 0.0:
            ends = Profile(full=full, values=values, top=top).limits(float(np.sqrt(left)))
            low, high = min(low, ends[0]), max(high, ends[1])
    return low, high
