"""What to do about several classes of failure. What is typed stands in backticks."""

from __future__ import annotations

ELSEWHERE = (
    "Nothing: such videos are in every list, and quality figures leave them out. Check your own list if there are many."
)
WAIT = "Wait a few hours and measure more slowly (`PYTOMO_PACE_S`): several measuring points behind one address add up."
UPGRADE_YT_DLP = (
    'Upgrade yt-dlp, as the service has changed: `pip install -U "yt-dlp[default]"`. '
    "A JavaScript runtime (`pip install deno`) helps its fall-back clients."
)
DISTRUSTED = (
    "A few are nothing to worry about: each was asked for again as another guest (`PYTOMO_BOT_CHECK_RETRIES`). If most "
    f"fail this way, the service distrusts this address. {WAIT}"
)
UPGRADE = "Upgrade pytomo-scrapy. `pytomo pages FILE` shows what its parsers see in a saved page."
FEW = (
    "A few are nothing to worry about. If all of them fail this way, see whether a proxy or a portal answers in the "
    "service's place."
)
REFUSED = (
    "A few are nothing to worry about. If all of them fail this way, resolution and window may leave by different "
    "addresses: set `PYTOMO_IP_FAMILY`, `PYTOMO_SOURCE_ADDRESS` or `PYTOMO_HTTP_PROXY`. Otherwise upgrade yt-dlp."
)
GATED = (
    "Nothing on this line: the service cuts off guests that it distrusts. Upgrade yt-dlp "
    '(`pip install -U "yt-dlp[default]"`), or wait a few hours and measure more slowly (`PYTOMO_PACE_S`). Videos that '
    "fit in front of the cut can still be measured: lower `PYTOMO_DOWNLOAD_WINDOW_S` or "
    "`PYTOMO_DOWNLOAD_BUFFER_GOAL_S`."
)
SABR = (
    "Nothing on this line: the service ended a session of its own protocol. Compare with `PYTOMO_TRANSPORT=plain`; if "
    "all sessions end this way, the protocol has changed: upgrade this program, or report it (docs/sabr.md)."
)
PORTAL = "A few are nothing to worry about. If all of them fail this way, a captive portal is probably in the way."
LIVE = "Nothing: a window of a live video cannot be compared with others. Measure it once the broadcast is over."
RESOLVER = (
    "Ask the resolver by hand (`dig @ADDRESS HOST`), and see in the measurement whether the others answered. Port "
    "53 to resolvers other than the provider's may be blocked: change `PYTOMO_DNS_RESOLVERS`."
)
FILTER = "Compare the answers of the other resolvers, which the measurement shows: filtering looks like this."
CONNECTION = (
    "See whether one media host fails or all of them do: one points to the service, all to the line. "
    "`PYTOMO_IP_FAMILY=4` tells whether IPv6 alone is broken."
)
TLS = (
    "Check this machine's clock. Otherwise something on the path (a proxy, a filter) replaces certificates: its CA "
    "must be in `SSL_CERT_FILE`."
)
BAD_SESSION = (
    "This is a measurement: a bad session. `pytomo serve` shows at what hours it happens, and whether it hits one "
    "media host or all of them: one points to the service, all to the line."
)
LINE = "See whether the service's pages open in a browser on this line. If it needs a proxy, set `PYTOMO_HTTP_PROXY`."
STAGE_BEFORE = "Look at the stage that failed before it."
