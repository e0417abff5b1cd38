"""What every test may ask for."""

from tests.kafka_fixture import kafka

__all__ = ["kafka"]
