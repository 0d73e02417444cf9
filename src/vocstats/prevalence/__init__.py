"""How many customers have a pain point, from sources that each see a part of them, and that imperfectly."""

__all__: list[str] = []
