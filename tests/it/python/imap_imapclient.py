"""What IMAPClient can do.

imap_imapclient.py FOLDER TRANSPORT ADDR CA USER PASSWORD

FOLDER is where IMAPClient lies.
"""

import datetime
import ssl
import sys

folder, transport, addr, ca, user, password = sys.argv[1:]
sys.path.insert(0, folder)

from imapclient import IMAPClient  # noqa: E402
from imapclient.exceptions import LoginError  # noqa: E402

host, port = addr.rsplit(":", 1)
context = ssl.create_default_context(cafile=ca)


def connect():
    client = IMAPClient(host, int(port), ssl=transport == "implicit", ssl_context=context, timeout=30)
    if transport == "starttls":
        client.starttls(context)
    return client


def message(subject):
    return f"From: app@client.example\r\nSubject: {subject}\r\n\r\nthis is {subject}\r\n".encode()


client = connect()
try:
    client.login(user, "wrong")
    raise AssertionError("a wrong password")
except LoginError:
    client.shutdown()
client = connect()
client.login(user, password)
assert client.has_capability("IDLE"), client.capabilities()
if client.has_capability("ID"):
    client.id_({"name": "IMAPClient"})
if client.has_capability("NAMESPACE"):
    assert client.namespace().personal, client.namespace()

# Names are UTF-7 on the wire.
names = ["Entwürfe", "R&D", "日本語/台北"]
for name in names:
    client.create_folder(name)
listed = {name for _, _, name in client.list_folders()}
assert listed >= {"INBOX", *names}, listed
client.subscribe_folder("R&D")
assert "R&D" in [name for _, _, name in client.list_sub_folders()]

date = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
for subject in ("one", "two", "three"):
    client.append("INBOX", message(subject), flags=["\\Flagged"], msg_time=date)
assert client.folder_status("INBOX", ["MESSAGES", "UIDNEXT"])[b"MESSAGES"] == 3
assert client.select_folder("INBOX")[b"EXISTS"] == 3
uids = client.search("ALL")
fetched = client.fetch(uids, ["ENVELOPE", "RFC822.SIZE", "BODY.PEEK[]", "INTERNALDATE", "BODYSTRUCTURE"])
assert [fetched[uid][b"ENVELOPE"].subject for uid in uids] == [b"one", b"two", b"three"]
assert fetched[uids[0]][b"BODY[]"] == message("one")
assert fetched[uids[0]][b"INTERNALDATE"].timestamp() == date.timestamp()
assert not fetched[uids[0]][b"BODYSTRUCTURE"].is_multipart
assert client.search(["SUBJECT", "two", "NOT", "DELETED"]) == [uids[1]]
assert client.search(["SUBJECT", "zwö"], "UTF-8") == []
if client.has_capability("SORT"):
    assert client.sort("REVERSE SUBJECT") == [uids[1], uids[2], uids[0]]
if client.has_capability("THREAD=REFERENCES"):
    assert len(client.thread()) == 3

client.add_flags(uids[0], ["\\Seen", "$Work"])
client.remove_flags(uids[0], ["\\Flagged"])
assert set(client.get_flags(uids[0])[uids[0]]) - {b"\\Recent"} == {b"\\Seen", b"$Work"}
client.copy(uids[:2], "日本語/台北")
assert client.folder_status("日本語/台北")[b"MESSAGES"] == 2
if client.has_capability("MOVE"):
    client.move(uids[2], "R&D")
else:
    client.copy(uids[2], "R&D")
    client.delete_messages(uids[2])
    client.expunge()
client.delete_messages(uids[1])
client.expunge([uids[1]]) if client.has_capability("UIDPLUS") else client.expunge()
assert client.search() == uids[:1]

# While it waits, another stores a message and changes flags.
client.idle()
other = connect()
other.login(user, password)
other.append("INBOX", message("four"))
other.select_folder("INBOX")
other.set_flags(uids[0], ["\\Answered"])
seen = []
while not ((2, b"EXISTS") in seen and any(len(item) > 2 and item[1] == b"FETCH" for item in seen)):
    told = client.idle_check(timeout=30)
    assert told, seen
    seen += told
client.idle_done()
other.logout()
assert b"\\Answered" in client.get_flags(uids[0])[uids[0]]

client.unselect_folder() if client.has_capability("UNSELECT") else client.close_folder()
client.rename_folder("日本語/台北", "Zürich")
client.delete_folder("Zürich")
assert not client.folder_exists("Zürich") and client.folder_exists("R&D")
client.logout()
