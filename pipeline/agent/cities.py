"""Places and their time zones: a person says a city or a country, a clock needs a zone."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources
from zoneinfo import available_timezones

__all__ = ["find_zone"]


def find_zone(text: str) -> tuple[str, str] | None:
    """The longest known place that the text begins with, and its zone; None: never heard of it.

    "new york right now" is ("new york", "America/New_York"). Places are cities, regions, countries, zones.
    """
    words = text.removeprefix("the ").split()
    for end in range(len(words), 0, -1):
        place = " ".join(words[:end]).strip(" ,")
        if zone := _zones().get(_key(place)):
            return place, zone
    return None


@cache
def _zones() -> dict[str, str]:
    """Built at the first question: it lists the zone files of the system."""
    zones = {}
    for zone in sorted(available_timezones()):
        zones[_key(zone)] = zone
        area, _, city = zone.rpartition("/")
        if area and not zone.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/")):
            zones.setdefault(_key(city), zone)
    table = resources.files(__package__).joinpath("cities.txt").read_text(encoding="utf-8")
    for line in table.splitlines()[1:]:
        zone, _, names = line.partition(": ")
        zones[_key(zone.rpartition("/")[2])] = zone
        for name in names.split(", "):
            zones[_key(name)] = zone
    return zones


def _key(name: str) -> str:
    """Lower case, no accents, one space between words: "São Paulo" and "sao paulo" are one place."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(char if char.isalnum() else " " for char in plain if not unicodedata.combining(char))
    return " ".join(letters.split())
