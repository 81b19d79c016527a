"""What a graph looks like: as a drawing, as an explanation, and from a formula as text."""

__all__: list[str] = []
