"""Tests of certificates, access rights and secrets."""
