"""`python -m landbridge.cli`."""

from landbridge.cli import main

if __name__ == "__main__":
    main(prog_name="landbridge")
