"""``python -m megagrad``."""

import sys

if __name__ == "__main__":
    try:
        from megagrad.cli.main import main
    except KeyboardInterrupt:
        print("\nmegagrad: interrupted", file=sys.stderr)
        sys.exit(130)
    # Not when all went well: with `python -i` the prompt follows.
    if status := main():
        sys.exit(status)
