"""The servers that other tests rely on: they answer, crash, come back and leave nothing behind."""
