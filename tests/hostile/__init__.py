"""Any answers make a complete project with the texts intact, or are refused in one line."""
