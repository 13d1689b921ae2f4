"""A project's tests leave the database and the queues of its development alone."""
