"""Tests of hw/."""
