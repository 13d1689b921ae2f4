"""What `make try` runs beside and inside the project that it makes."""
