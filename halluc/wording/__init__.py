"""How figures and differences are written in reports: numbers, names and parts of sentences."""
