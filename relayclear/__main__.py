"""``python -m relayclear``: the same as the console script."""

from relayclear.cli.app import main

if __name__ == "__main__":
    main()
