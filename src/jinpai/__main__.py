"""``python -m jinpai``: the command line where its script is not on the path."""

from jinpai.cli import main

if __name__ == "__main__":
    main()
