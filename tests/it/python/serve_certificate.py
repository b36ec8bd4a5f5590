"""A server gets another certificate while it runs.

serve_certificate.py SMTP POP3S PID FOLDER

FOLDER has chain.pem and key.pem, which the server uses, and next-chain.pem and next-key.pem, which take their place.
"""

import os
import poplib
import signal
import smtplib
import ssl
import sys
import time

smtp, pop3s, pid, folder = sys.argv[1:]
before = ssl.create_default_context(cafile=os.path.join(folder, "chain.pem"))
after = ssl.create_default_context(cafile=os.path.join(folder, "next-chain.pem"))


def connect():
    host, port = smtp.rsplit(":", 1)
    client = smtplib.SMTP(host, int(port), timeout=30, local_hostname="client.example")
    client.ehlo()
    return client


def handshake(context):
    host, port = pop3s.rsplit(":", 1)
    poplib.POP3_SSL(host, int(port), timeout=30, context=context).quit()


encrypted, plain = connect(), connect()
encrypted.starttls(context=before)
handshake(before)
for name in ("chain.pem", "key.pem"):
    os.replace(os.path.join(folder, "next-" + name), os.path.join(folder, name))
os.kill(int(pid), signal.SIGHUP)
until = time.monotonic() + 30
while True:
    try:
        handshake(after)
        break
    except ssl.SSLCertVerificationError:
        assert time.monotonic() < until, "the new certificate is not in use"
        time.sleep(0.05)
# Sessions live on; one that shakes hands now gets the new certificate.
encrypted.ehlo()
assert encrypted.docmd("NOOP")[0] == 250
plain.starttls(context=after)
plain.ehlo()
assert plain.docmd("NOOP")[0] == 250
try:
    handshake(before)
    raise AssertionError("the old certificate is still in use")
except ssl.SSLCertVerificationError:
    pass
