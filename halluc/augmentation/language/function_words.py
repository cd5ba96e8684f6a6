"""English function words, which are not replaced."""

from __future__ import annotations

from halluc.gap.stopwords import STOP_WORDS

# Besides stop words, words that WordNet also has as a noun or adverb that is rarely meant (a tin can, the number one).
FUNCTION_WORDS = STOP_WORDS | frozenset(
    """
    am can cannot could may might must shall will would ought need us it who whoever whatever whichever anyone someone
    everyone anybody somebody everybody anything something nothing everything none nobody another other others many
    much more most less least few several enough well even still yet ever never else again almost now already always
    one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty
    ninety hundred hundreds thousand thousands million millions billion billions trillion dozen first second third
    last next mr mrs ms dr st having being doing done let lets despite amid including following regarding concerning
    considering except save past round plus minus versus like unlike worth out away back ago together
    """.split()  # noqa: SIM905
)
