"""The documentation is right: what it says, and where its steps lead."""
