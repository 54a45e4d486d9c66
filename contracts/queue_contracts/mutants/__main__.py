"""`python -m queue_contracts.mutants`: the same as `queue-contracts mutants`."""

import argparse
import sys

from queue_contracts.mutants import cli

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m queue_contracts.mutants", description=cli.__doc__)
    cli.add_arguments(parser)
    sys.exit(cli.run(parser.parse_args()))
