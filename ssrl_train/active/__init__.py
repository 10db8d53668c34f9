"""Active masking: a model proposes which span of a passage to hide, and learns to say what was hidden, in one batch.

PretrainZero, arXiv 2512.03442. A proposal is held to the gates of a mask that `text/masked_span` builds.
"""

from __future__ import annotations

from ssrl_train.active.settings import Propose

__all__ = ["Propose"]
