"""``python -m halluc`` and the console script: the one place where exceptions become messages and exit codes."""

from __future__ import annotations

import sys


def main() -> None:
    from halluc.commands.terminal import exit_code_of

    sys.exit(exit_code_of(sys.argv[1:]))


if __name__ == "__main__":
    main()
