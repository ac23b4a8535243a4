"""Monitoring of a running service by its operators: metrics, health, the log of requests, traces."""
