from halluc.engine import environment

environment.prepare()
