"""Draw a paper's three figures from a wide export: startup by vantage, DNS time, stalls against throughput.

pytomo export --format csv my-export
pip install pandas matplotlib
python examples/figures.py my-export/measurements.csv
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot

SEED = 1
DRAWS = 1000


def startup_curves(sessions: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Return, for each vantage, times and the share started by then with a 95 % interval.

    A session that did not start within its window counts in the denominator for ever: the curve need not reach 1. The
    interval is a bootstrap over sessions.
    """
    random = np.random.default_rng(SEED)
    curves = {}
    for vantage, group in sessions.groupby("vantage"):
        delays = group["startup_delay_s"].where(group["is_started"] == 1, np.inf).to_numpy(dtype=float)
        times = np.unique(delays[np.isfinite(delays)])
        if len(times) == 0:
            continue
        draws = [np.sort(random.choice(delays, len(delays))) for _ in range(DRAWS)]
        shares = np.array([np.searchsorted(draw, times, side="right") / len(delays) for draw in draws])
        low, high = np.quantile(shares, (0.025, 0.975), axis=0)
        curves[str(vantage)] = (times, np.searchsorted(np.sort(delays), times, side="right") / len(delays), low, high)
    return curves


def draw(path: Path) -> Path:
    """Draw the figures beside the export. Returns the picture's path."""
    rows = pd.read_csv(path)
    # Valid: no failure, or one that the network is charged with (docs/failures.md).
    sessions = rows[rows["is_session"] == 1]
    figure, (startup, names, stalls) = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for vantage, (times, share, low, high) in startup_curves(sessions).items():
        startup.step(times, share, where="post", label=f"{vantage} (n = {(sessions['vantage'] == vantage).sum()})")
        startup.fill_between(times, low, high, step="post", alpha=0.2)
    startup.set(xlabel="startup delay in s", ylabel="share of sessions started", ylim=(0, 1.02))
    startup.legend()
    for resolver, group in rows.dropna(subset=["dns_elapsed_s"]).groupby("dns_resolver"):
        times = np.sort(group["dns_elapsed_s"]) * 1000
        names.step(times, np.arange(1, len(times) + 1) / len(times), where="post", label=str(resolver))
    names.set(xlabel="DNS time in ms", ylabel="share of look-ups")
    names.legend()
    stalls.scatter(sessions["delivery_bps"] / 1e6, sessions["stall_ratio"], s=12, alpha=0.6)
    stalls.set(xlabel="delivery in Mbit/s", ylabel="stall ratio", xscale="log")
    picture = path.with_name("figures.png")
    figure.savefig(picture, dpi=150)
    return picture


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the file: python examples/figures.py my-export/measurements.csv")
    print(draw(Path(sys.argv[1])))
