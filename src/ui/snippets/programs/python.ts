/** Programs in Python. */
import { type Language, SAMPLE_USER, toQuoted, type Values } from "./program";

/** A JSON value as a Python literal. */
export function toPythonLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toPythonLiteral).join(", ")}]`;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}: ${toPythonLiteral(member)}`)
    .join(", ")}}`;
}

const records = ({ http, authorization, sample, filter }: Values) => `import json
from urllib.parse import quote
from urllib.request import Request, urlopen

ENDPOINT = ${toQuoted(http)}
HEADERS = {"Content-Type": "application/json"${authorization ? `, "Authorization": ${toQuoted(authorization)}` : ""}}


def send(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, HEADERS, method=method), timeout=30) as response:
        return json.load(response)


# store a record
data = ${toPythonLiteral(sample)}
stored = send("POST", ENDPOINT, data)
print("stored:", json.dumps(stored))
one = f"{ENDPOINT}&uniqueId={stored['uniqueId']}"

# read it
print("read:", json.dumps(send("GET", one)))

# list the newest 10
print("newest:", json.dumps(send("GET", f"{ENDPOINT}&limit=10&order=desc")))

# list with a filter: a JSONata expression
expression = quote(${toQuoted(filter)})
print("filtered:", json.dumps(send("GET", f"{ENDPOINT}&jsonata={expression}")))

# replace it, then delete it
print("replaced:", json.dumps(send("PUT", one, data)))
print("deleted:", json.dumps(send("DELETE", one)))
`;

const stream = (
  values: Values,
) => `"""Keeps a copy of the records: the stored ones first, then every change. Resumes after a lost connection."""
import json
import random
import sys
import time

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

STREAM = ${toQuoted(values.stream)}
records = {}
cursor = None  # where to resume
attempt = 0


def follow():
    """Follows one connection until it ends."""
    global records, cursor, attempt
    start = f"&since={cursor}" if cursor else "&since=now&snapshot=true"
    snapshot = {}
    # By default the library rejects messages over 1 MiB.
    with connect(STREAM + start, max_size=None) as socket:
        while True:
            # The server sends a message every 25 seconds.
            message = json.loads(socket.recv(timeout=60))
            attempt = 0
            kind, record = message["type"], message.get("record")
            if kind == "GAP":
                # Some changes are no longer kept: start over with the stored records.
                cursor = None
                return "gap"
            if kind == "SNAPSHOT":
                snapshot.update((each["uniqueId"], each) for each in record)
                # Only the last part has a cursor.
                if "cursor" in message:
                    records = snapshot
                    print(len(records), "records", flush=True)
            elif kind in ("POST", "PUT", "DELETE"):
                if kind == "DELETE":
                    records.pop(record["uniqueId"], None)
                else:
                    records[record["uniqueId"]] = record
                print(kind, record["uniqueId"], json.dumps(record["data"]), flush=True)
            cursor = message.get("cursor")


while True:
    try:
        reason = follow()
    except ConnectionClosed as error:
        # 4000: the stream was refused, for example because the key was revoked.
        if error.rcvd and error.rcvd.code == 4000:
            sys.exit(f"refused: {error.rcvd.reason}")
        reason = error
    except (OSError, WebSocketException) as error:
        reason = error
    delay = min(30, 2**attempt) * random.uniform(0.5, 1)
    attempt += 1
    print(f"disconnected ({reason}): connecting again in {delay:.1f} s", flush=True)
    time.sleep(delay)
`;

const users = ({ http }: Values) => `import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ENDPOINT = ${toQuoted(http)}
USER = ${toPythonLiteral(JSON.parse(SAMPLE_USER))}


def send(method, url, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    return urlopen(Request(url, data, headers, method=method), timeout=30)


# register; a name that is taken fails with username_taken
try:
    print("registered:", send("POST", ENDPOINT, USER).read().decode())
except HTTPError as error:
    print("not registered:", error.read().decode())

# log in: the header Authorization of the response has the access token
response = send("POST", f"{ENDPOINT}&login=true&noATCookie=true", USER)
token = response.headers["Authorization"].replace("Bearer ", "")

# read the user's own record
print("read:", send("GET", ENDPOINT, token=token).read().decode())

# log out: revokes the token and closes its streams
print("logged out:", send("POST", f"{ENDPOINT}&logout=true", token=token).read().decode())
`;

export const python: Language = {
  id: "python",
  label: "Python",
  syntax: "python",
  tasks: {
    records: (values) => ({ file: "records.py", run: "python3 records.py", code: records(values) }),
    stream: (values) => ({ file: "follow.py", run: "pip install websockets && python3 follow.py", code: stream(values) }),
    users: (values) => ({ file: "users.py", run: "python3 users.py", code: users(values) }),
  },
};
