"""Drives an adaptive player over the line that a stored trace shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pytomo_scrapy.items import Ladder
from pytomo_scrapy.measure.playback.adaptive.adaptive_player import Abort, AdaptivePlayer, Held
from pytomo_scrapy.measure.playback.adaptive.line import Line, LineTrace
from pytomo_scrapy.measure.playback.adaptive.tcp_packet import ActiveTransfer
from pytomo_scrapy.measure.playback.adaptive.typical import are_alike, most_typical
from pytomo_scrapy.measure.playback.adaptive_playback import AdaptivePlayback

MakePlayer = Callable[[Ladder, Mapping[str, float]], AdaptivePlayer]
LEAST_STEP_S = 1e-6
MAX_COMMAND_ROUNDS = 100  # of one moment: a player that asks for ever is a mistake
# What runs of one browser on one line differ by (recorded sessions): when the first request goes out, beyond the
# earliest sixth of dash.js's runs, of which a player's own `run_spread` is a share; and which of the first answers
# comes first. By so much the rate of a known line differs from what a download on it shows.
DELAYS_S = (0.0, 0.007, 0.02)
RATE_FACTORS = (1.0, 0.995, 1.005)


def replay_typical(
    make: MakePlayer, ladder: Ladder, parameters: Mapping[str, float], trace: LineTrace, horizon_s: float
) -> AdaptivePlayback:
    """Replay with several slightly different beginnings, and return the most typical playback.

    Three that differ in everything are enough where they come to the same; else all nine are played.
    """
    playbacks: list[AdaptivePlayback] = []
    lines = [replace(trace, total_bytes=[factor * total for total in trace.total_bytes]) for factor in RATE_FACTORS]
    count = len(DELAYS_S)
    sound_first_of_3 = round(count * parameters.get("sound_first_share", 0.0))
    for turn in range(count):
        for row, line in enumerate(lines):
            column = (row + turn) % count
            beginning = {
                "prepare_s": parameters["prepare_s"] + parameters.get("run_spread", 1.0) * DELAYS_S[column],
                "is_sound_first": float((row + column) % count < sound_first_of_3),
            }
            chance = replace(line, seed=len(playbacks))
            playbacks.append(replay_adaptive(make(ladder, {**parameters, **beginning}), chance, horizon_s))
        if turn == 0 and are_alike(playbacks, ladder, horizon_s):
            break
    return most_typical(playbacks, ladder, horizon_s)


def replay_adaptive(player: AdaptivePlayer, trace: LineTrace, horizon_s: float) -> AdaptivePlayback:
    """Let `player` ask the line for what it wants until `horizon_s`, and return what it showed.

    Numbered as one turn: 1 the player looks, 2 bytes arrive, or nothing until it wants to look again, 3 it is told.
    """
    line = Line(trace)
    now_s = 0.0
    begun: set[int] = set()

    def wants_to_look(active: ActiveTransfer, now_s: float) -> bool:
        """Tell the player of bytes that came, and of nothing else: no reader sees how time goes by without any."""
        transfer = active.transfer
        if transfer.transfer_id not in begun:
            begun.add(transfer.transfer_id)
            player.first_byte(transfer, now_s)
        if active.usable_bytes >= transfer.size_bytes:
            line.finish(active, now_s)
            player.completed(transfer, transfer.size_bytes, now_s)
            return True
        return bool(active.usable_bytes) and player.progressed(transfer, active.usable_bytes, now_s)

    while now_s < horizon_s:
        _obey(player, line, now_s)  # 1
        wake_s = min(max(player.wake_s(), now_s + LEAST_STEP_S), horizon_s)
        now_s = line.advance(now_s, wake_s, wants_to_look)  # 2, 3
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
