"""Token classification: a linear head over an encoder, one prediction for every word."""

from halluc.config.schema import Section
from typing import Literal
class C(Section):
    type: Literal["token_classification"]
class TokenClassification:
    """Labels spans of tokens: named-entity recognition and its kin."""
    Config = C
