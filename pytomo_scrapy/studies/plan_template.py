"""The plan that `pytomo study new` writes, to be changed."""

PLAN_TEMPLATE = """\
# The plan of a study. `pytomo study run` freezes it: a change makes a new version, and every row names its own.
# docs/studies.md explains each value.

name = "ipv6-and-ipv4"
question = "Do more sessions stall over IPv6 than over IPv4 on this line?"

# Left out of the comparison: foreign_traffic, busy_machine, incomplete_pairs, far_apart.
exclusions = ["foreign_traffic", "incomplete_pairs"]

# The ways that are compared, each with settings of its own. All others are compared with the first.
[[arms]]
name = "IPv4"
settings = { PYTOMO_IP_FAMILY = "4" }

[[arms]]
name = "IPv6"
settings = { PYTOMO_IP_FAMILY = "6" }

# A list of links (videos, or a file with one in each line), or a count to be drawn from the database:
#   count = 40
#   strata = { bitrate_bps = [1e6, 3e6], views = [10_000, 1_000_000], age_days = [30] }
[panel]
file = "videos.txt"

# In each round every arm measures every video. Videos and arms come in random order, the same after a resume.
[schedule]
rounds = 28
every_h = 12
seed = 1

# figure: with_stalls, never_started, startup, delivery or best_height_px.
# smallest_effect: the least relative difference worth knowing; 0.2 is a fifth more.
[outcome]
figure = "with_stalls"
smallest_effect = 0.2
power = 0.8

# Looks at the outcome before the end, after these rounds. None: it is looked at once, at the end.
[stopping]
looks = []

# Settings of every arm.
[settings]
PYTOMO_DOWNLOAD_WINDOW_S = 30
"""
