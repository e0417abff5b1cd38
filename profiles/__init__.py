"""Sharing profiles: the agencies, guidelines and lawyers' cases of a country, as data. No code stands here."""
