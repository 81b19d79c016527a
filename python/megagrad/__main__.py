"""``python -m megagrad``."""

import sys

from megagrad.cli import main

if __name__ == "__main__":
    # Not when all went well: with `python -i` the prompt follows.
    if status := main():
        sys.exit(status)
