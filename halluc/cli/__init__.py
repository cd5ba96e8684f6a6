"""The command line: signatures and help. Bodies import lazily, and call a workflow that the terminal listens to."""

from halluc.cli import experiments, models, overviews
from halluc.cli.app import app

__all__ = ["app", "experiments", "models", "overviews"]
