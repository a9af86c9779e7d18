"""Trainings put to the test: their speed and cost, and what a kill or a week does to them."""
