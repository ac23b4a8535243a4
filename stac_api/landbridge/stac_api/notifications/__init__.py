"""Notifications of new images: signed HTTP requests to destinations, for the subscriptions of users."""
