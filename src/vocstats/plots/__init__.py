"""Charts of a result; they draw and compute nothing."""
