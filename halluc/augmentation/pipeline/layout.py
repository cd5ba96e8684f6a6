"""The names of the files of an augmented corpus, finished and in progress."""

TRAIN, PROVENANCE, MANIFEST = "train.jsonl", "provenance.jsonl", "manifest.json"

# What grows until all is made: the originals, the new ones, their provenance, and a note of each new one.
PARTIAL = ".partial"
ORIGINALS, CANDIDATES, NOTES = "originals.jsonl", "candidates.jsonl", "notes.jsonl"
JOURNALLED = (ORIGINALS, CANDIDATES, PROVENANCE, NOTES)
