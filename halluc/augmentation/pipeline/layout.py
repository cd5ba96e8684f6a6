"""The names of the files of an augmented corpus in progress."""

from halluc.runs.directory import PROVENANCE

# The folder and files of a corpus in progress: originals, new examples, their provenance, and a note of each.
PARTIAL = ".partial"
ORIGINALS, CANDIDATES, NOTES = "originals.jsonl", "candidates.jsonl", "notes.jsonl"
JOURNALLED = (ORIGINALS, CANDIDATES, PROVENANCE, NOTES)
