"""Flower's settings. It finds this file by its name."""

from tornado.options import options

from config.env import refuse

# Without a name and a password, Flower would let everybody in.
if not options.auth and not all(all(login.partition(":")) for login in options.basic_auth or [""]):
    refuse(
        "FLOWER_BASIC_AUTH is not set. Set it in the environment, such as"
        " FLOWER_BASIC_AUTH=admin:password"
    )
