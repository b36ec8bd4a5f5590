"""What poplib can do with three messages.

maildrop.py ADDR USER PASSWORD
"""

import poplib
import sys

addr, user, password = sys.argv[1:]
host, port = addr.rsplit(":", 1)


def login():
    client = poplib.POP3(host, int(port), timeout=30)
    client.user(user)
    client.pass_(password)
    return client


def subjects(client):
    count, _ = client.stat()
    tops = [client.top(number, 0)[1] for number in numbers(client)]
    assert len(tops) == count
    return [line for top in tops for line in top if line.startswith(b"Subject:")]


def numbers(client):
    return [int(line.split()[0]) for line in client.list()[1]]


client = login()
assert subjects(client) == [b"Subject: 1", b"Subject: 2", b"Subject: 3"], subjects(client)
uids = client.uidl()[1]
assert len({uid.split()[1] for uid in uids}) == 3, uids
assert client.uidl(2).split()[1:] == uids[1].split(), uids
top = client.top(1, 1)[1]
assert top[-2:] == [b"", b".first"], top
whole = client.retr(1)[1]
assert whole[-2:] == [b".first", b"second"], whole
try:
    client.retr(4)
    raise AssertionError("there is no fourth message")
except poplib.error_proto as error:
    assert error.args[0].startswith(b"-ERR"), error

# RSET takes back.
client.dele(1)
assert client.stat()[0] == 2
client.rset()
assert client.stat()[0] == 3
client.quit()

# Who leaves without QUIT deletes nothing, and the numbers' identities stay.
client = login()
client.dele(1)
client.dele(2)
client.close()
client = login()
assert client.uidl()[1] == uids

# Who leaves with QUIT does.
client.dele(2)
try:
    client.retr(2)
    raise AssertionError("it is marked as deleted")
except poplib.error_proto:
    pass
client.quit()
client = login()
assert subjects(client) == [b"Subject: 1", b"Subject: 3"]
left = [uid.split()[1] for uid in client.uidl()[1]]
assert left == [uids[0].split()[1], uids[2].split()[1]], (left, uids)
client.quit()
