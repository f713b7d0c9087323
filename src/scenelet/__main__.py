"""`python -m scenelet`: the command line."""

from scenelet.cli.main import main

if __name__ == "__main__":
    main()
