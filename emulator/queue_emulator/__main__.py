"""`python -m queue_emulator` is `queue-emulator`."""

import sys

from queue_emulator.cli import main

sys.exit(main())
