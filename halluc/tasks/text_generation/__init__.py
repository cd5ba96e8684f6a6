"""The common base of tasks that write a text: examples, models, statements of a text, and their judge."""
