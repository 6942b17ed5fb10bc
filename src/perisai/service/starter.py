"""What `perisai init` writes: a configuration and a sensors file, each setting with its meaning."""

CONFIG_TEXT = """\
# Perisai configuration. Every line may be left out; what is commented shows the default.

[service]
mode = "exercise"          # actual | exercise | test: marked on every screen and in every message
# host = "127.0.0.1"       # address of the console
# port = 8460
# data = "perisai-data"    # recording and bus, beside this file
# nats = ""                # an external NATS cluster; empty: the embedded server

[identity]
# sign_in_to_view = true   # the picture needs an account (perisai user add), not only acting on it
# session_hours = 12.0

[recording]
# detections_days = 30.0   # removed after so long; 0 keeps for ever; alerts and orders are always kept
# tracks_days = 90.0
# forecasts_days = 30.0
# reserve_mb = 512.0       # free space kept for alerts: detections are given up at 4 times, tracks at 2 times this

[region]
# name = "Ukraine"
# areas = "my-areas.geojson"       # your communities: properties code, name_xx, population, parent; any country
# outlines = "my-outlines.geojson" # what is drawn as borders
# basemap = ""                     # the ground of the map; empty: Natural Earth, Eastern Europe
# languages = ["uk", "en", "id"]

[inputs]
sensors = "sensors.toml"   # your sensors; empty: the default network of the simulation
# reports = "citizens"     # sensor (kind position) of reports over HTTP whose device is no sensor of the file
# reports_per_minute = 600 # that one address may send
# detections_per_minute = 6000 # batches of detections that one address may send
# device_keys = ""         # file with DEVICE PUBLIC-KEY a line: reports of these, and of sensors, must be signed
# most_per_s = 0           # detections a second this machine follows; what is more is shed in order; 0: no limit
# key_file = "my-ingest.key" # its one line is asked of who posts detections; without it only this machine may

## Live inputs, one [[input]] each; docs/sensors has a page for every kind. Examples: take away the "#: ".
## Each may have max_message_bytes, max_messages_per_s and silent_s (seconds without a message that count as silence).

#: [[input]]
#: name = "radar-feed"
#: kind = "asterix"
#: listen = "0.0.0.0:8600"             # UDP; with group = "239.1.1.1" multicast

#: [[input]]
#: name = "receiver"
#: kind = "beast"                      # or sbs, port 30003
#: connect = "127.0.0.1:30005"
#: sensor = "adsb"

#: [[input]]
#: name = "sapient"
#: kind = "sapient"
#: listen = "0.0.0.0:5020"             # nodes connect; nodes = { "UUID" = "sensor id" } names them

#: [[input]]
#: name = "drone-ids"
#: kind = "remote_id"
#: listen = "127.0.0.1:8700"           # UDP; or broker = "127.0.0.1:1883" with topic

#: [[input]]
#: name = "microphones"
#: kind = "reports"
#: broker = "127.0.0.1:1883"           # MQTT
#: topic = "perisai/reports/#"
#: sensor = "citizens"

## One tracker follows the whole country. Where that is too much for one machine, split it, one [[tracker_region]] each.

#: [[tracker_region]]
#: id = "west"
#: south = 44.0                        # a box, degrees; what lies in none belongs to the nearest
#: west = 22.0
#: north = 52.5
#: east = 31.0
#: overlap_km = 60.0                   # how far beyond it its tracker looks

[signing]
# sign = true              # CAP messages bear a signature; the certificate is served at /cap/certificate.pem
# key = ""                 # PEM; empty: a key is made in the data directory on the first start
# certificate = ""

## Channels: the ways out, one [[channel]] each; docs/channels has a page for every kind with all its settings.
## The CAP feed (/cap.atom), the alert apps' API (/v1, /v2, /api/v3) and Web Push are always there; what follows are
## examples: take away the "#: " of those you want.

## Partner nations, one [[partner]] each; docs/partners.md. They connect as NATS leaf nodes with a key of their own
## (perisai keys keys/ --partner ID), so [service] nats has to name a bus with accounts.

#: [[partner]]
#: id = "ro"
#: name = { en = "Romania", uk = "Румунія" }
#: key_file = "keys/partner-ro.numbers"      # track numbers that tell nothing of ours; empty: ours
#: known_as = ""                             # where we connect to the partner: our id over there
#: [partner.give]                            # nothing is given without
#: box = [26.5, 44.5, 30.5, 48.5]            # west, south, east, north; or region = "x.geojson", areas = ["code"]
#: classes = ["drone", "cruise"]             # empty: all
#: neutral = false                           # aircraft with an identity
#: tentative = false                         # tracks that are not confirmed
#: addresses = false                         # ICAO addresses and the like
#: sensors = []                              # only tracks that one of these has seen; owners = [] likewise
#: without_sensors = []                      # count as not there; without_owners = [] likewise
#: fused = true                              # also tracks to which sensors helped that are not shared
#: precision_m = 500.0                       # positions and altitudes on a grid of so many metres
#: precision_mps = 5.0                       # velocities
#: delay_s = 60.0                            # nothing younger
#: [partner.take]                            # nothing is taken without
#: max_messages_per_s = 5.0
#: max_message_bytes = 1_000_000

#: [[channel]]
#: kind = "cap_feed"
#: base_url = "https://alerts.example.org"   # as the world sees this server

#: [[channel]]
#: kind = "alert_api"
#: tokens = ["a-long-secret-for-each-app"]   # without any, everybody may ask

#: [[channel]]
#: kind = "web_push"
#: subject = "mailto:duty@example.org"       # where the browsers' push services reach you

#: [[channel]]
#: kind = "mqtt"                              # sirens, Home Assistant
#: host = "broker.example.org"               # or: embedded = true
#: port = 8883
#: tls = true

#: [[channel]]
#: kind = "webhook"
#: url = "https://partner.example.org/alerts"
#: secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="   # your own: 24 to 64 random bytes in base64

#: [[channel]]
#: kind = "cot"
#: url = "tls://tak.example.org:8089"        # a TAK server; or tcp+listen://127.0.0.1:8087 for clients to come
#: certificate = "centre.pem"
#: key = "centre.key"
#: authority = "tak-authority.pem"

#: [[channel]]
#: kind = "cat062"
#: url = "udp://239.255.62.62:8662"          # ASTERIX 062 and 065, multicast or one host
#: sac = 25
#: sic = 1
"""

SENSORS_TEXT = """\
# One [[sensor]] each. Metres, degrees (WGS84), seconds; what is left out takes the default of its kind.
# kind: radar2d | radar3d | modes | remote_id | position | bearing | presence

[[sensor]]
id = "radar-north"         # the name its detections carry; "SAC/SIC" for an ASTERIX radar, such as "25/201"
kind = "radar2d"
lat = 50.45
lon = 30.52
alt_m = 180.0
owner = "Example"
max_range_m = 200000.0
period_s = 6.0             # one turn
detection_probability = 0.9
clutter_per_scan = 5.0     # false plots a turn
sigma_range_m = 60.0
sigma_azimuth_deg = 0.12

[[sensor]]
id = "microphone-1"
kind = "presence"          # hears that something is near, not where
lat = 50.60
lon = 30.60
max_range_m = 5000.0
period_s = 10.0
delay_mps = 343.0          # sound: its reports are dated back
"""
