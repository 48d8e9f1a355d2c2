"""The page's memory of Druid's events and sums, which all views and viewers share."""

from typing import Final

from include.page.overview import Memory

memory: Final = Memory()
