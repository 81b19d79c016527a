"""``python -m megagrad``."""

import sys

from megagrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
