"""The ways in that are sockets: each input of the configuration reads, parses and hands to the ingest role."""
