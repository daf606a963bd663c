"""Drives an adaptive player over the line that a stored trace shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Abort, AdaptivePlayer, Held
from pytomo_scrapy.measure.playback.adaptive.line import Line, LineTrace
from pytomo_scrapy.measure.playback.adaptive.typical import most_typical
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

MakePlayer = Callable[[Ladder, Mapping[str, float]], AdaptivePlayer]
TICK_S = 0.02  # how often a player learns of bytes that came
LEAST_STEP_S = 1e-6
MAX_COMMAND_ROUNDS = 100  # of one moment: a player that asks for ever is a mistake
# What two runs of dash.js on the same line differ by: when the first request goes out, and the share of the line that
# is media (recorded sessions). A player's `run_spread` says how much of that its own runs differ by.
DELAYS_S = (0.0, 0.017, 0.041)
RATE_FACTORS = (1.0, 0.985, 1.015)


def replay_typical(
    make: MakePlayer, ladder: Ladder, parameters: Mapping[str, float], trace: LineTrace, horizon_s: float
) -> AdaptivePlayback:
    """Replay with several slightly different beginnings, and return the most typical playback."""
    playbacks = []
    spread = parameters.get("run_spread", 1.0)
    for factor in RATE_FACTORS:
        scale = 1 + spread * (factor - 1)
        line = replace(trace, total_bytes=[scale * total for total in trace.total_bytes])
        for delay_s in DELAYS_S:
            player = make(ladder, {**parameters, "prepare_s": parameters["prepare_s"] + spread * delay_s})
            playbacks.append(replay_adaptive(player, line, horizon_s))
    return most_typical(playbacks, ladder, horizon_s)


def replay_adaptive(player: AdaptivePlayer, trace: LineTrace, horizon_s: float) -> AdaptivePlayback:
    """Let `player` ask the line for what it wants until `horizon_s`, and return what it showed.

    Numbered as one turn: 1 the player looks, 2 what happens next, 3 bytes arrive, 4 the player is told.
    """
    line = Line(trace)
    now_s = 0.0
    begun: set[int] = set()
    while now_s < horizon_s:
        _obey(player, line, now_s)  # 1
        next_s = min(player.wake_s(), line.next_s(now_s, TICK_S), horizon_s)  # 2
        next_s = max(next_s, now_s + LEAST_STEP_S)
        line.advance(now_s, next_s, TICK_S)  # 3
        now_s = next_s
        _report(player, line, begun, now_s)  # 4
    shown = player.close(horizon_s)
    shown.is_identifiable = not line.touched_unknown
    return shown


def _obey(player: AdaptivePlayer, line: Line, now_s: float) -> None:
    for _ in range(MAX_COMMAND_ROUNDS):
        commands = player.wake(now_s)
        if not commands:
            return
        for command in commands:
            if isinstance(command, Abort):
                line.abort(command.transfer, now_s)
            elif isinstance(command, Held):
                line.open_ahead(now_s)
            else:
                line.start(command, now_s)


def _report(player: AdaptivePlayer, line: Line, begun: set[int], now_s: float) -> None:
    for active in line.active:
        if active.has_begun and active.transfer.transfer_id not in begun:
            begun.add(active.transfer.transfer_id)
            player.first_byte(active.transfer, now_s)
    for active in line.finished(now_s):
        player.completed(active.transfer, active.transfer.size_bytes, now_s)
    for active in line.active:
        if active.usable_bytes > 0:
            player.progressed(active.transfer, int(active.usable_bytes), now_s)
