"""What imaplib can do.

imap_imaplib.py TRANSPORT ADDR CA USER PASSWORD
"""

import imaplib
import ssl
import sys
import time

transport, addr, ca, user, password = sys.argv[1:]
host, port = addr.rsplit(":", 1)
context = ssl.create_default_context(cafile=ca)
if transport == "implicit":
    client = imaplib.IMAP4_SSL(host, int(port), ssl_context=context, timeout=30)
else:
    client = imaplib.IMAP4(host, int(port), timeout=30)


def ok(answer):
    """What a command has given; it must have succeeded."""
    assert answer[0] == "OK", answer
    return answer[1]


def message(subject):
    return f"From: app@client.example\r\nSubject: {subject}\r\n\r\nthis is {subject}\r\n".encode()


if transport == "starttls":
    ok(client.starttls(context))
try:
    client.login(user, "wrong")
    raise AssertionError("a wrong password")
except imaplib.IMAP4.error:
    pass
ok(client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode()))

# Folders.
ok(client.create("Work"))
ok(client.create("Work/Plans"))
ok(client.subscribe("Work/Plans"))
assert any(b"Work/Plans" in line for line in ok(client.lsub())), client.lsub()
ok(client.rename("Work/Plans", "Work/Done"))
assert client.select("Work/Plans")[0] == "NO"
assert any(b"Work/Done" in line for line in ok(client.list('""', "*")))
assert ok(client.list('""', '"Nowhere%"')) == [None]

# Messages.
date = imaplib.Time2Internaldate(time.mktime((2026, 1, 2, 3, 4, 5, 0, 0, -1)))
for subject in ("one", "two", "three"):
    ok(client.append("INBOX", "(\\Flagged)", date, message(subject)))
assert ok(client.select("INBOX")) == [b"3"]
assert ok(client.fetch("1", "(BODY.PEEK[])"))[0][1] == message("one")
assert ok(client.fetch("2", "(BODY.PEEK[TEXT]<5.2>)"))[0][1] == b"is"
size = ok(client.fetch("1", "(RFC822.SIZE INTERNALDATE)"))[0]
assert b"RFC822.SIZE %d" % len(message("one")) in size, size
assert imaplib.Internaldate2tuple(size) == imaplib.Internaldate2tuple(b'INTERNALDATE ' + date.encode()), size
assert ok(client.fetch("1:3", "(ENVELOPE BODYSTRUCTURE)"))[2].count(b"three") == 1
assert ok(client.search(None, "SUBJECT", "two")) == [b"2"]
assert ok(client.uid("SEARCH", "UNSEEN", "FLAGGED")) == [b"1 2 3"]
assert client.search("UTF-8", "SUBJECT", b'"\xc3\xa4"') == ("OK", [b""])

# Flags.
assert imaplib.ParseFlags(ok(client.store("1", "+FLAGS", "(\\Seen $Work)"))[0]) >= (b"\\Flagged", b"\\Seen")
ok(client.store("1", "-FLAGS.SILENT", "(\\Flagged)"))
flags = set(imaplib.ParseFlags(ok(client.fetch("1", "(FLAGS)"))[0])) - {b"\\Recent"}
assert flags == {b"\\Seen", b"$Work"}, flags
assert ok(client.search(None, "KEYWORD", "$Work")) == [b"1"]

# Copies and deletions.
ok(client.copy("1:2", "Work/Done"))
assert b"MESSAGES 2" in ok(client.status("Work/Done", "(MESSAGES UIDNEXT UNSEEN)"))[0]
assert client.copy("1", "Nowhere")[0] == "NO" and "TRYCREATE" in str(client.untagged_responses) + str(
    client.copy("1", "Nowhere")
)
ok(client.store("2", "+FLAGS", "(\\Deleted)"))
assert ok(client.expunge()) == [b"2"]
assert ok(client.uid("FETCH", "3", "(FLAGS)"))[0].startswith(b"2 (")
ok(client.close())

# Nothing changes in a mailbox that is only looked at.
ok(client.select("INBOX", readonly=True))
client.store("1", "+FLAGS", "(\\Draft)")
ok(client.unselect())
ok(client.select("INBOX"))
assert ok(client.search(None, "DRAFT")) == [b""]
ok(client.close())
ok(client.delete("Work/Done"))
assert client.noop()[0] == "OK"
client.logout()
