"""Partner nations: their settings, the exchange of tracks with them, and the layer each is in the picture."""
