"""``python -m mssante.app``: the command line, without an installed script."""

from mssante.app.cli.main import main

if __name__ == "__main__":
    main()
