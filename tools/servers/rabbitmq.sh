# RabbitMQ, which Debian keeps out of the PATH of most users.
has_any rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server || packages="$packages rabbitmq-server"
