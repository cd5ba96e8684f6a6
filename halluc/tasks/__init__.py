import halluc.engine  # noqa: F401  it sets what torch reads from the environment, before tasks import torch
