# Redis, or Valkey which speaks the same protocol.
has_any redis-server valkey-server || packages="$packages redis-server"
