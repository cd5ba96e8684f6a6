"""halluc: where does a fine-tuned model assert what its data never told it, and what makes that less?"""

__version__ = "0.1.0"
