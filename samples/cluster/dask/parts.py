#!/usr/bin/env python3
"""Runs a program over parts of the data as tasks of Dask, and merges what they print.

The arguments are how many parts there are, how to merge, and those of `v8-rawmem run`. The address
of Dask's scheduler is in DASK_SCHEDULER_ADDRESS.
"""

import subprocess
import sys

from distributed import Client


def run_part(part, parts, words):
    """Runs on a worker, and returns the part's line of JSON."""
    command = ["npx", "v8-rawmem", "run", *words, "--part", f"{part}/{parts}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"part {part}/{parts} ends with {done.returncode}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    parts, how, *words = sys.argv[1:]
    with Client() as client:
        numbers = range(1, int(parts) + 1)
        tasks = client.map(
            run_part, numbers, parts=parts, words=words, retries=2, pure=False
        )
        lines = client.gather(tasks)
    merge = ["npx", "v8-rawmem", "merge", "/dev/stdin", "--merge", how]
    subprocess.run(merge, input="".join(lines), text=True, check=True)
