"""The one door through which every sentence that a learner reads passes, so that a translation can stand in.

`_` is `gettext` on the catalogue `course` in `helpers/locale`, chosen by `COURSE_LANGUAGE` or, where that is
not set, by the usual `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` and `LANG`; without a catalogue the English stands.
Source: https://docs.python.org/3/library/gettext.html
"""

import gettext
import os
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"


def _(message: str) -> str:
    """`message` in the reader's language. Fill in values afterwards: `_("{n} rows").format(n=3)`."""
    language = os.environ.get("COURSE_LANGUAGE")
    return gettext.translation("course", LOCALE, languages=[language] if language else None, fallback=True).gettext(
        message
    )
