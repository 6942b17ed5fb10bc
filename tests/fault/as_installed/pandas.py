"""pandas comes with the tests' peers, not with Perisai; pyarrow would load it, a second of every start."""

raise ImportError("not part of an installed Perisai")
