"""Uses an endpoint with requests, websockets and aiohttp, as their documentation shows it. Prints what it saw as one line of JSON.

python client.py URL   (…/api/1/ce/<name>?key=…)
"""

import asyncio
import json
import sys

import aiohttp
import requests
import websockets

url = sys.argv[1]
seen = {}

created = requests.post(url, json={"text": "caf\u00e9", "from": "requests"})
record = created.json()
one = f"{url}&uniqueId={record['uniqueId']}"
seen["created"] = [created.status_code, record["data"]]

read = requests.get(one)
seen["read"] = [read.status_code, read.json()[0]["data"]]
seen["listed"] = len(requests.get(url, params={"limit": 1}).json())

etag = read.headers["ETag"]
replaced = requests.put(one, json={"n": 2}, headers={"If-Match": etag})
stale = requests.put(one, json={"n": 3}, headers={"If-Match": etag})
seen["replaced"] = [replaced.status_code, stale.status_code]

# A part without a type, as requests sends it.
uploaded = requests.post(url, files={"file": ("pixel.png", b"\x89PNG\r\n\x1a\n")})
file = requests.get(f"{url}&uniqueId={uploaded.json()['uniqueId']}&fileOnly=true")
seen["file"] = [uploaded.status_code, file.headers["Content-Type"], len(file.content)]


async def follow_by_websockets():
    async with websockets.connect(url.replace("http", "ws", 1)) as socket:
        requests.post(url, json={"n": 4})
        message = json.loads(await socket.recv())
        return [message["type"], message["record"]["data"]]


async def follow_by_aiohttp():
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            async with session.post(url, json={"n": 5}) as answer:
                assert answer.status == 201
            message = await socket.receive_json()
            return [message["type"], message["record"]["data"]]


def follow_events():
    with requests.get(url, headers={"Accept": "text/event-stream"}, stream=True) as stream:
        requests.post(url, json={"n": 6})
        for line in stream.iter_lines(decode_unicode=True):
            if line.startswith("data:"):
                message = json.loads(line[5:])
                if message.get("type") == "POST":
                    return [message["type"], message["record"]["data"]]
    return None


seen["websocket"] = asyncio.run(follow_by_websockets())
seen["aiohttp"] = asyncio.run(follow_by_aiohttp())
seen["events"] = follow_events()
seen["deleted"] = [requests.delete(one).status_code, requests.get(one).json()]
print(json.dumps(seen))
