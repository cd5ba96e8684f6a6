"""The command line: signatures and help. Commands import lazily and call a workflow, whose messages go to the
terminal."""

from halluc.cli import experiments, reports, models, overviews  # isort: skip - the order of the help
from halluc.cli.app import app

__all__ = ["app", "experiments", "models", "overviews", "reports"]
