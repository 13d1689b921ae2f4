"""Real servers for the tests, each on a free port of 127.0.0.1 with a folder of its own."""

from tools.servers.postgresql import PostgreSQL
from tools.servers.rabbitmq import RabbitMQ
from tools.servers.redis import Redis
from tools.servers.server import MissingServer, Server
from tools.servers.sqs import SQS

__all__ = ["SERVERS", "MissingServer", "Server"]

SERVERS: dict[str, type[Server]] = {
    server.name: server for server in (Redis, RabbitMQ, PostgreSQL, SQS)
}
