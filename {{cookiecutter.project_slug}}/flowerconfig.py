"""Flower's settings. It finds this file by its name."""

import django
from tornado.options import options

from config.env import env, refuse

# Flower asks for the password before it loads Django, which reads `.env` in development.
django.setup()
basic_auth = env.list("FLOWER_BASIC_AUTH", default=[])

# Without a name and a password, Flower would let everybody in.
if not options.auth and not all(all(login.partition(":")) for login in basic_auth or [""]):
    refuse(
        "FLOWER_BASIC_AUTH is not set. Set it in the environment, such as"
        " FLOWER_BASIC_AUTH=admin:password"
    )
