"""What the scripts that measure another package on one core share; they run in the Python of that package."""

import argparse
import json
import time


def parse(description):
    """model, structure and steps, from the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("structure")
    parser.add_argument("--steps", type=int, default=3)
    return parser.parse_args()


def print_result(step, steps, atoms, **facts):
    """Takes the steps and prints a line of JSON: their CPU time for an atom, and `facts`."""
    start = time.process_time()
    for _ in range(steps):
        step()
    seconds = (time.process_time() - start) / steps
    print(json.dumps({"us_per_atom_step": 1e6 * seconds / atoms, **facts}))
