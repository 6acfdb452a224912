"""`python -m xlosses`."""

import sys

from xlosses._cli import main

if __name__ == "__main__":
    sys.exit(main())
