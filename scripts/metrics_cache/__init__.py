"""Hashes in Redis with what the event log adds up to: pushing them, keeping them exact, reading them."""
