"""What is generated is beautiful, whatever the answers."""
