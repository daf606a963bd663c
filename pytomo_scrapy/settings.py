"""Scrapy settings of the project. PYTOMO_* settings are described in config/ and docs/settings.md.

Order of precedence, strongest first: `-s NAME=VALUE` (scrapyd: `setting=NAME=VALUE`), the process environment
(PYTOMO_* names only), this file, the defaults of config/.
"""

import logging
import os
import ssl

import certifi

from pytomo_scrapy.config import environment

BOT_NAME = "pytomo_scrapy"
SPIDER_MODULES = ["pytomo_scrapy.spiders"]
NEWSPIDER_MODULE = "pytomo_scrapy.spiders"
COMMANDS_MODULE = "pytomo_scrapy.commands"
ADDONS = {"pytomo_scrapy.addons.PytomoAddon": 100}

# The service's robots.txt disallows /results and /youtubei/, without which neither popular videos nor media are
# found (docs/sources.md). With it on, user lists and the Data API still work.
ROBOTSTXT_OBEY = False

# Pages as a desktop browser gets them; without cookies from page to page, so that nothing is personalised.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
COOKIES_ENABLED = False
DOWNLOAD_VERIFY_CERTIFICATES = True
LOG_LEVEL = "INFO"
# Nothing of a probe listens on the network.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

# Migrations tell their steps at INFO, which nobody asked for.
logging.getLogger("alembic").setLevel(logging.WARNING)

# Scrapy takes the names of this module for settings, and a command without a crawl (report, prune, ...) loads no add-on
# that could read the environment instead: so what the environment sets becomes names of this module.
globals().update(environment())

# A machine without a certificate store of its own trusts what every other client of ours trusts.
if "SSL_CERT_FILE" not in os.environ and not (
    ssl.get_default_verify_paths().cafile or ssl.get_default_verify_paths().capath
):
    os.environ["SSL_CERT_FILE"] = certifi.where()
