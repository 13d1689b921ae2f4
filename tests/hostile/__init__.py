"""Answers of any kind make a whole project with the text intact, or are refused in one line."""
