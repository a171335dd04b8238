"""How schemathesis sends what it does not know by itself: bytes as they are, and whole numbers as digits."""

import schemathesis


@schemathesis.serializer(
    "application/vnd.louan.sync1", "application/vnd.louan.unsent1", "application/offset+octet-stream"
)
def as_it_is(_context, value):
    return value


@schemathesis.hook
def map_body(_context, body):
    """JSON Schema takes 1.0 for a whole number; the office, as most programs do, wants it written 1."""
    if isinstance(body, dict):
        return {name: map_body(_context, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(_context, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body
