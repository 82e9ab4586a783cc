"""deliveries.py COUNT KEY FILE: writes signed GitHub deliveries for flood.lua: the body's two parts, then one signature a line.

The body of delivery n is first + n + second, so that no two are equal and a file of 65 bytes a delivery is enough.
"""
import hashlib
import hmac
import json
import sys

count, key, path = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3]
alert = {
    "action": "created",
    "alert": {
        "number": "@",
        "created_at": "2026-11-20T09:30:00Z",
        "url": "https://api.github.com/repos/example/shop/secret-scanning/alerts/1",
        "html_url": "https://github.com/example/shop/security/secret-scanning/1",
        "locations_url": "https://api.github.com/repos/example/shop/secret-scanning/alerts/1/locations",
        "state": "open",
        "secret_type": "openai_api_key",
        "secret_type_display_name": "OpenAI API Key",
        "validity": "active",
        "publicly_leaked": False,
        "multi_repo": False,
    },
    "repository": {
        "id": 1296269,
        "full_name": "example/shop",
        "private": True,
        "owner": {"login": "example", "id": 1, "type": "Organization"},
        "urls": {f"link_{i}": f"https://api.github.com/repos/example/shop/{i}{{/sha}}" for i in range(20)},
    },
    "sender": {"login": "github", "id": 9919, "type": "Organization"},
}
first, second = json.dumps(alert, separators=(",", ":")).split('"@"')
base = hmac.new(key, first.encode(), hashlib.sha256)
with open(path, "w") as out:
    out.write(first + "\n" + second + "\n")
    for n in range(count):
        mac = base.copy()
        mac.update((str(n + 1) + second).encode())
        out.write(mac.hexdigest() + "\n")
