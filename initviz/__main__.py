"""``python -m initviz``."""

import sys

from initviz.app.main import main

if __name__ == "__main__":
    sys.exit(main())
