"""Takes what is no message from SQS for one of no task."""

# kombu's stubs leave this out.
# mypy: disable-error-code="import-untyped, import-not-found, misc, attr-defined"

from typing import Any

from kombu.transport import SQS


class Channel(SQS.Channel):
    def basic_publish(self, *args: Any, **kwargs: Any) -> Any:
        """kombu sends again, on a new channel, after this error, but not after its own."""
        if self.closed:
            raise ConnectionError("the channel is closed")
        return super().basic_publish(*args, **kwargs)

    def _envelope_payload(self, payload: Any, text: str, message: Any, address: str) -> Any:
        """What kombu cannot read gets an envelope: the worker logs and drops it, and goes on."""
        try:
            envelope = super()._envelope_payload(payload, text, message, address)
            self.Message(envelope, channel=self)
        except (AttributeError, KeyError, TypeError, ValueError):
            envelope = super()._envelope_payload({}, text, message, address)
        return envelope


class Transport(SQS.Transport):
    Channel = Channel
