"""The names of the files of an augmented corpus, finished and in progress."""

TRAIN, PROVENANCE, MANIFEST = "train.jsonl", "provenance.jsonl", "manifest.json"

# The folder and files of a corpus in progress: originals, new examples, their provenance, and a note of each.
PARTIAL = ".partial"
ORIGINALS, CANDIDATES, NOTES = "originals.jsonl", "candidates.jsonl", "notes.jsonl"
JOURNALLED = (ORIGINALS, CANDIDATES, PROVENANCE, NOTES)
