"""The registry that lastbeat replaces, as its README describes it: Flask, and SQLite per request.

Only what is measured is here. `python flask_registry.py FILE COUNT` fills a database.
"""

import datetime
import os
import sqlite3
import sys

from flask import Flask, jsonify, request

TIMEOUT = datetime.timedelta(seconds=60)
FORMAT = "%Y-%m-%d %H:%M:%S.%f"
app = Flask(__name__)


def connect(path=None):
    # Its own default would be 5 s; under 64 clients some would be answered with an error.
    connection = sqlite3.connect(path or os.environ["REGISTRY_DB"], timeout=30)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS services (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " name TEXT NOT NULL, ip TEXT NOT NULL, status TEXT NOT NULL,"
        " last_heartbeat TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
    )
    return connection


@app.post("/register")
def register():
    data = request.get_json()
    name, ip = data["name"], data["ip"]
    now = datetime.datetime.now().strftime(FORMAT)
    connection = connect()
    try:
        known = connection.execute("SELECT id FROM services WHERE name = ?", (name,)).fetchone()
        if known:
            connection.execute(
                "UPDATE services SET ip = ?, status = 'UP', last_heartbeat = ? WHERE id = ?",
                (ip, now, known[0]),
            )
        else:
            connection.execute(
                "INSERT INTO services (name, ip, status, last_heartbeat) VALUES (?, ?, 'UP', ?)",
                (name, ip, now),
            )
        connection.commit()
    finally:
        connection.close()
    return jsonify({"message": "Service registered successfully"})


@app.get("/services")
def services():
    now = datetime.datetime.now()
    connection = connect()
    try:
        connection.execute(
            "DELETE FROM services WHERE last_heartbeat < ?", ((now - TIMEOUT).strftime(FORMAT),)
        )
        connection.commit()
        rows = connection.execute("SELECT name, ip, status, last_heartbeat FROM services").fetchall()
    finally:
        connection.close()
    return jsonify(
        {
            "services": [
                {"name": name, "ip": ip, "status": status, "last_heartbeat": heard}
                for name, ip, status, heard in rows
            ]
        }
    )


if __name__ == "__main__":
    # A day ahead, so that nothing times out while it is measured.
    heard = (datetime.datetime.now() + datetime.timedelta(days=1)).strftime(FORMAT)
    with connect(sys.argv[1]) as filled:
        filled.executemany(
            "INSERT INTO services (name, ip, status, last_heartbeat) VALUES (?, ?, 'UP', ?)",
            [
                (f"service-{n:07}", f"10.0.{n // 256}.{n % 256}", heard)
                for n in range(int(sys.argv[2]))
            ],
        )
