"""`python -m selftaught`."""

from selftaught.cli import main

if __name__ == "__main__":
    main()
