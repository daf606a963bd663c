"""How often a differential test finds a shaper, and how often it accuses where there is none.

    python benchmarks/differential.py [--runs 100] [--real N]

Drawn lines first (`benchmarks/names/drawn_lines.py`): tests of as many pairs as the product would measure, with a
shaper that slows one name, and without; with drift of the rate, cross traffic, loss, and all of them. `--real N` adds N
whole tests of each kind over loopback, with the product's own windows: a shaper that reads the TLS name, none, and a
server that refuses other names; then N without and with a shaper through a relay with drift, cross traffic and loss.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.names.drawn_lines import CONDITIONS, Condition, drawn_test
from pytomo_scrapy.analysis.differentiation.differential_verdict import Verdict, judge_windows, needed_pairs
from pytomo_scrapy.analysis.differentiation.paired import ERROR, LEAST_PAIRS
from pytomo_scrapy.analysis.differentiation.wehe import DIFFERENTIATION
from pytomo_scrapy.config import DifferentialConfig

SLOWER_RATIOS = (0.0, 0.25, 0.5)
_SHOWN = (Verdict.SLOWER, Verdict.FASTER, Verdict.NOT_SHOWN, Verdict.INCONCLUSIVE)


def main(words: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="drawn tests of each kind")
    parser.add_argument("--real", type=int, default=0, help="tests of each kind over loopback")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    print(f"{options.runs} drawn tests of each kind, windows of 5 s, seed {options.seed}\n")
    print("| line | shaper | pairs | slower | faster | not shown | inconclusive | Wehe alone | pairs alone |")
    print("|---|---|---|---|---|---|---|---|---|")
    for condition in CONDITIONS if options.runs else ():
        for slower_ratio in SLOWER_RATIOS:
            print(_row(condition, slower_ratio, options.runs, options.seed), flush=True)
    if options.real:
        from benchmarks.names.real_lines import real_lines
        from benchmarks.names.real_tests import real_tests

        real_tests(options.real, options.seed)
        real_lines(options.real, options.seed)
    return 0


def _row(condition: Condition, slower_ratio: float, runs: int, seed: int) -> str:
    verdicts: Counter[str] = Counter()
    config, counts_of_pairs = DifferentialConfig(), list[int]()
    by_wehe = by_pairs = 0
    for run in range(runs):
        draw = np.random.default_rng((seed, run, round(100 * slower_ratio), CONDITIONS.index(condition)))
        windows = drawn_test(condition, slower_ratio, config.most_pairs, draw)
        needed = min(config.most_pairs, needed_pairs(windows[: 2 * LEAST_PAIRS], config.effect_ratio))
        counts_of_pairs.append(needed)
        judged = judge_windows(windows[: 2 * needed], config.effect_ratio)
        verdicts[judged.verdict] += 1
        by_wehe += judged.wehe_verdict == DIFFERENTIATION
        by_pairs += judged.difference_chance is not None and judged.difference_chance < ERROR
    shaper = f"{100 * slower_ratio:.0f} % slower" if slower_ratio else "none"
    pairs = f"{min(counts_of_pairs)} to {max(counts_of_pairs)}"
    counts = [verdicts[one] for one in _SHOWN]
    return f"| {' | '.join([condition.name, shaper, pairs, *map(str, counts), str(by_wehe), str(by_pairs)])} |"


if __name__ == "__main__":
    raise SystemExit(main())
