"""`python -m rostergate` is the console script."""

from rostergate.cli import main

if __name__ == "__main__":
    main()
