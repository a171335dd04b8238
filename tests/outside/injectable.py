"""A server that is meant to be broken into: it pastes what it is asked for into SQL. On this machine only, for one test.

    python3 injectable.py

Prints the port it has, serves until its standard input ends. `/rows?name=…` and `/rows/NAME` show the rows of that name.
"""

import json
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Injectable(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = urlsplit(self.path)
        name = parse_qs(asked.query).get("name", [unquote(asked.path.rpartition("/")[2])])[0]
        store = sqlite3.connect(":memory:")
        store.executescript("CREATE TABLE site (name TEXT, street TEXT); INSERT INTO site VALUES ('a', 'x'), ('b', 'y');")
        try:
            status, rows = 200, store.execute(f"SELECT name, street FROM site WHERE name = '{name}'").fetchall()
        except sqlite3.Error as error:
            status, rows = 422, str(error)
        store.close()
        body = json.dumps({"rows": rows}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Injectable)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
