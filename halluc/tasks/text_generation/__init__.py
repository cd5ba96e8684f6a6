"""The common base of text generation tasks: examples, models, statements of a text, and their judge."""
