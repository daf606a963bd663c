"""Under which licence data are given away: an SPDX expression, checked against SPDX's list."""

from __future__ import annotations

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from pytomo_scrapy.failures import SettingError

# What SPDX says where nobody has chosen one.
NO_LICENSE = "NOASSERTION"


def checked_license(text: str) -> str:
    """Return an SPDX licence expression as SPDX spells it. Raises SettingError for an identifier that its list lacks.

    **Source**: SPDX specification, annex "SPDX license expressions"; PEP 639, whose check this is.
    """
    try:
        # As SPDX spells it: catalogues of data compare the text.
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression as error:
        raise SettingError(
            f"--license {text!r} is no licence of SPDX's list ({error}): such as CC-BY-4.0, CC0-1.0 or ODbL-1.0."
        ) from None
