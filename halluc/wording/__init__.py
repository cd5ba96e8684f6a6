"""How figures and differences are written for people: numbers, names and parts of sentences."""
