"""`python -m emulator` is `queue-emulator`."""

import sys

from emulator.cli import main

sys.exit(main())
