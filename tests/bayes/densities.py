"""Values of a model's variables where its density is asked for."""

from __future__ import annotations


def constrained(model, point):
    """Values of the variables at a point of the space that is sampled."""
    wanted = model.unobserved_value_vars
    values = model.compile_fn(wanted, mode="FAST_COMPILE", on_unused_input="ignore")(point)
    return {variable.name: value for variable, value in zip(wanted, values, strict=True)}
