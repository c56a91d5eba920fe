"""Outcomes held against promises."""
