"""Servers, documents and helpers that the tests of several folders use."""
