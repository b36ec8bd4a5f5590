"""Writes the only message of a user to a file, with poplib.

fetch.py TRANSPORT ADDR CA USER PASSWORD FILE
"""

import poplib
import ssl
import sys

transport, addr, ca, user, password, file = sys.argv[1:]
host, port = addr.rsplit(":", 1)
context = ssl.create_default_context(cafile=ca)
if transport == "implicit":
    client = poplib.POP3_SSL(host, int(port), timeout=30, context=context)
else:
    client = poplib.POP3(host, int(port), timeout=30)
if transport == "stls":
    client.stls(context=context)
if transport != "plain":
    print(client.sock.version())
client.user(user)
client.pass_(password)
count, size = client.stat()
assert count == 1, count
_, lines, octets = client.retr(1)
assert client.list(1).split()[2] == str(size).encode(), (client.list(1), size)
with open(file, "wb") as out:
    for line in lines:
        out.write(line + b"\r\n")
    assert out.tell() == size, (out.tell(), size)
client.quit()
