"""Reads all messages of a user into a folder, one a file, and deletes some.

take.py ADDR CA USER PASSWORD FOLDER EVERY

Messages whose number is a multiple of EVERY are deleted; none if it is 0.
"""

import os
import poplib
import ssl
import sys

addr, ca, user, password, folder, every = sys.argv[1:]
host, port = addr.rsplit(":", 1)
client = poplib.POP3_SSL(host, int(port), timeout=30, context=ssl.create_default_context(cafile=ca))
client.user(user)
client.pass_(password)
count, _ = client.stat()
for number in range(1, count + 1):
    with open(os.path.join(folder, str(number)), "wb") as out:
        out.write(b"".join(line + b"\r\n" for line in client.retr(number)[1]))
    if int(every) and number % int(every) == 0:
        client.dele(number)
client.quit()
