"""The processes that `make try` runs, and the script that it runs inside the project."""
