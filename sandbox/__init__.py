"""The sandbox: a real PostgreSQL, ClickHouse and Valkey from wheels, on loopback ports."""
