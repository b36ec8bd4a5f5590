"""Sends a message, from stdin, with smtplib.

send.py TRANSPORT ADDR CA MECHANISM USER PASSWORD RECIPIENT...
"""

import smtplib
import ssl
import sys

transport, addr, ca, mechanism, user, password, *recipients = sys.argv[1:]
host, port = addr.rsplit(":", 1)
options = {"timeout": 30, "local_hostname": "client.example"}
context = ssl.create_default_context(cafile=ca)
if transport == "implicit":
    client = smtplib.SMTP_SSL(host, int(port), context=context, **options)
else:
    client = smtplib.SMTP(host, int(port), **options)
client.ehlo()
if transport == "starttls":
    client.starttls(context=context)
    client.ehlo()
if transport != "plain":
    print(client.sock.version())
try:
    if mechanism == "login()":
        client.login(user, password)
    elif mechanism != "none":
        client.user, client.password = user, password
        client.auth(mechanism, getattr(client, "auth_" + mechanism.lower()))
except smtplib.SMTPAuthenticationError as error:
    print(error.smtp_code, error.smtp_error)
    client.quit()
    sys.exit(2)
refused = client.sendmail("app@client.example", recipients, sys.stdin.buffer.read(), ["BODY=8BITMIME"])
assert not refused, refused
client.quit()
