"""A PostgreSQL with results that production does not reach safely is found before it starts."""

from tests.production import faults

WEAK = "://user:user@db.example.com/name"


def test_the_address_of_the_results_is_that_of_the_database_unless_they_have_their_own() -> None:
    # Another check may find fault with the same address.
    assert set(faults("DATABASE_URL", f"postgres{WEAK}")) == {"celery.W007", "celery.W008"}
    assert set(faults("DATABASE_URL", f"postgres{WEAK}?sslmode=verify-full")) == {"celery.W007"}
    assert "celery.W007" in faults("CELERY_RESULT_BACKEND", f"db+postgresql+psycopg{WEAK}")
