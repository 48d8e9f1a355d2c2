"""Publish a run's sales endlessly and print a line per acknowledged sale; a test kills it."""

import sys
from itertools import count

from tests.support.place import Place

place = Place({"bootstrap.servers": sys.argv[1]}, *sys.argv[2:])
publisher = place.publisher()
publisher.open()
for n in count(publisher.progress.last + 1):
    publisher.commit(place.sales(n, n + 1))
    print(n, flush=True)
