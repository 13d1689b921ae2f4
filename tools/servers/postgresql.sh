# PostgreSQL, which Debian keeps out of PATH.
has_any postgres /usr/lib/postgresql/*/bin/postgres || packages="$packages postgresql"
