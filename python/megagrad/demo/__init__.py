"""What ``megagrad train`` learns from, how it trains, and the pictures that it makes."""

__all__: list[str] = []
