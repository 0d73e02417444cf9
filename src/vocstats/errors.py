"""Everything the package raises or warns of.

    VocstatsError
    ├── InputError (also ValueError)               an argument, column or row is not usable
    ├── InfeasibleError                            targets no weighting of those heard can meet
    ├── ConvergenceError                           an iteration ended before its tolerance
    ├── IdentificationError                        the data cannot answer this question
    └── MissingDependencyError (also ImportError)  an optional package is not installed
    VocstatsWarning (UserWarning)

Every error carries a stable ``code``, the ``argument`` or column, the ``rows`` and ``levels`` it is about, and the
``values`` its text is made of, so that a program can act on it and another language can render it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_SHOWN = 5


def shown(items: Iterable[Any], total: int | None = None) -> str:
    """List the first few of `items` for a message: ``'a', 'b', ... (12 in all)``."""
    listed = list(items)
    total = len(listed) if total is None else total
    text = ", ".join(repr(item.item() if hasattr(item, "item") else item) for item in listed[:_SHOWN])
    return text if total <= _SHOWN else f"{text}, ... ({total} in all)"


class VocstatsError(Exception):
    """Parent of every error of the package.

    Parameters
    ----------
    message : str
        What is wrong, where, what was expected and what to do, in English.
    code : str
        Stable key of the message; other languages are rendered from it and `values`.
    argument : str, optional
        Name of the argument, column or study key at fault.
    rows : iterable of int, optional
        Positions (from 0) of the rows at fault.
    levels : iterable, optional
        Levels, ids or names at fault.
    **values
        What the text was filled with.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        argument: str | None = None,
        rows: Iterable[int] = (),
        levels: Iterable[Any] = (),
        **values: Any,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.argument = argument
        self.rows = tuple(int(row) for row in rows)
        self.levels = tuple(levels)
        self.values = values

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and other processes get all of it."""
        return _raised_again, (type(self), self.args[0], self.code, self.argument, self.rows, self.levels, self.values)


def _raised_again(kind: type[VocstatsError], message: str, code: str, argument: Any, rows: Any, levels: Any, values: Any) -> VocstatsError:
    return kind(message, code=code, argument=argument, rows=rows, levels=levels, **values)


class InputError(VocstatsError, ValueError):
    """An argument, column or row is not usable."""


@contextmanager
def rows_of(table: str) -> Iterator[None]:
    """Let refusals of rows say which table these are of, as ``values["table"]``, where they do not."""
    try:
        yield
    except InputError as error:
        if error.rows:
            error.values.setdefault("table", table)
        raise


class InfeasibleError(VocstatsError):
    """Targets that no weighting of those heard can meet; `levels` names them."""


class ConvergenceError(VocstatsError):
    """An iteration ended before its tolerance; `values` holds what was reached."""


class IdentificationError(VocstatsError):
    """The data cannot answer the question, however many rows there are."""


class MissingDependencyError(VocstatsError, ImportError):
    """An optional package is not installed; the message says what to install."""


class VocstatsWarning(UserWarning):
    """Parent of every warning of the package."""
