"""Which language a passage is in, as py3langid (after Lui and Baldwin's langid.py, 2012) tells it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from ssrl_data.core import SsrlError

LEAST = 40
"""Letters a passage needs, in words of three or more, for its language to be told; with fewer it counts as of its
document's. What stands in shorter words may be a formula."""

_WORDS = re.compile(r"[^\W\d_]{3,}")


def check_languages(languages: Sequence[str]) -> None:
    """Refuse codes that are never told.

    Raises:
        SsrlError: a code is unknown, or `py3langid` is not installed.
    """
    known = sorted(_identifier().labels)
    for code in languages:
        if code not in known:
            raise SsrlError(f"--language {code}: use codes of ISO 639-1 such as en or de")


def languages_of(passages: Sequence[str]) -> list[str]:
    """The language of each passage of a document; empty where the whole document has too few letters.

    A passage of fewer than `LEAST` letters is of the language that most letters of the document's others are in.
    """
    letters = [sum(map(len, _WORDS.findall(passage))) for passage in passages]
    found = [_language(passage) if count >= LEAST else "" for passage, count in zip(passages, letters, strict=True)]
    weights: Counter[str] = Counter()
    for language, count in zip(found, letters, strict=True):
        if language:
            weights[language] += count
    if weights:
        usual = min(weights, key=lambda language: (-weights[language], language))
    else:
        usual = _language(" ".join(passages)) if sum(letters) >= LEAST else ""
    return [language or usual for language in found]


def likeliest(text: str, languages: Collection[str]) -> str:
    """The one of some languages that a text is most likely in.

    Raises:
        SsrlError: `py3langid` is not installed.
    """
    return next(str(code) for code, _ in _identifier().rank(text) if code in languages)


def _language(text: str) -> str:
    return str(_identifier().classify(text)[0])


@lru_cache(maxsize=1)
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise SsrlError('languages are told by py3langid, which is missing: pip install "ssrl[text]"') from error
    return LanguageIdentifier.from_model_file(MODEL_FILE)
