"""A project trusts no server without a valid certificate, and its secrets stay secret."""
