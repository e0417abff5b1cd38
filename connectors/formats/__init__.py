"""Foreign formats: bytes to native records, pure. No network, files, Kafka or clock; what records mean is for connectors."""
