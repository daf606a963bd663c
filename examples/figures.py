"""Draw a paper's three figures from an export: startup by vantage, DNS time by resolver, stalls against throughput.

pytomo export --format csv --tables my-export
pip install pandas matplotlib
python examples/figures.py my-export
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot

Z = 1.959964  # 95 %

Curve = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def read_sessions(folder: Path) -> pd.DataFrame:
    """Read the sessions that say something about the line, each with its vantage point's name and its figures."""
    figures = pd.read_csv(folder / "figure.csv")
    measured = pd.read_csv(folder / "measurement.csv", usecols=["id", "is_superseded"])
    vantages = pd.read_csv(folder / "vantage.csv", usecols=["id", "name"])
    figures = figures.merge(measured, left_on="measurement_id", right_on="id")
    figures = figures.merge(vantages.rename(columns={"name": "vantage"}), left_on="vantage_id", right_on="id")
    # A session: no failure, or one that the network is charged with (docs/failures.md).
    return figures[(figures["is_session"] == 1) & ~figures["is_superseded"]]


def read_look_ups(folder: Path) -> pd.DataFrame:
    """Read the look-ups of all resolvers. `elapsed_s` is infinite where no answer came."""
    look_ups = pd.read_csv(folder / "dns_lookup.csv", usecols=["resolver", "elapsed_s", "failure"])
    look_ups["elapsed_s"] = look_ups["elapsed_s"].where(look_ups["failure"].isna(), np.inf)
    return look_ups


def curve(values: np.ndarray) -> Curve:
    """Return times, the share of all values that were reached by then, and that share's 95 % interval.

    An infinite value never comes but counts in the denominator: the curve need not reach 1. The interval is Wilson's
    (J. Amer. Statist. Assoc. 22, 1927), point by point. Sessions of one hour are alike: it is the least that is unsure.
    """
    count = len(values)
    times = np.unique(values[np.isfinite(values)])
    share = np.searchsorted(np.sort(values), times, side="right") / count
    spread = Z * np.sqrt(share * (1 - share) / count + (Z / count / 2) ** 2)
    scale = 1 + Z**2 / count
    middle = share + Z**2 / count / 2
    return times, share, (middle - spread) / scale, (middle + spread) / scale


def startup_curves(sessions: pd.DataFrame) -> dict[str, Curve]:
    """Return the curve of startup for each vantage; a session that did not start in its window never does."""
    delays = sessions["startup_delay_s"].where(sessions["is_started"] == 1, np.inf)
    return {str(name): curve(group.to_numpy(dtype=float)) for name, group in delays.groupby(sessions["vantage"])}


def draw(folder: Path) -> Path:
    """Draw the figures into the export's folder. Returns the picture's path."""
    sessions, look_ups = read_sessions(folder), read_look_ups(folder)
    figure, (startup, names, stalls) = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for vantage, (times, share, low, high) in startup_curves(sessions).items():
        startup.step(times, share, where="post", label=f"{vantage} (n = {(sessions['vantage'] == vantage).sum()})")
        startup.fill_between(times, low, high, step="post", alpha=0.2)
    startup.set(xlabel="startup delay in s", ylabel="share of sessions started", ylim=(0, 1.02))
    for resolver, group in look_ups.groupby("resolver"):
        times, share, low, high = curve(group["elapsed_s"].to_numpy(dtype=float))
        names.step(times * 1000, share, where="post", label=f"{resolver} (n = {len(group)})")
        names.fill_between(times * 1000, low, high, step="post", alpha=0.2)
    names.set(xlabel="DNS time in ms", ylabel="share of look-ups answered", ylim=(0, 1.02))
    for axes in (startup, names):
        if axes.lines:
            axes.legend()
    stalls.scatter(sessions["delivery_bps"] / 1e6, sessions["stall_ratio"], s=12, alpha=0.6)
    stalls.set(xlabel="delivery in Mbit/s", ylabel="stall ratio", xscale="log")
    picture = folder / "figures.png"
    figure.savefig(picture, dpi=150)
    return picture


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the folder: python examples/figures.py my-export")
    print(draw(Path(sys.argv[1])))
