from tests.support.cloud.fixtures import confluent, google

__all__ = ["confluent", "google"]
