"""What the tasks that write a text have in common: examples, models, statements of a text, and their judge."""
