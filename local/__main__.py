"""`python -m local`."""

from local.commands import app

if __name__ == "__main__":
    app()
