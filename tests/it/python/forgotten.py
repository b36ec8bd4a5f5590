"""What was said before STARTTLS and STLS is forgotten.

forgotten.py SMTP POP3 CA
"""

import poplib
import smtplib
import ssl
import sys

smtp, pop3, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)

host, port = smtp.rsplit(":", 1)
client = smtplib.SMTP(host, int(port), timeout=30, local_hostname="client.example")
client.ehlo()
client.login("ann@localhost", "ann")
assert client.docmd("MAIL", "FROM:<app@client.example>")[0] == 250
assert client.docmd("RSET")[0] == 250
code, text = client.docmd("STARTTLS")
if code == 220:
    client.sock = context.wrap_socket(client.sock, server_hostname=host)
    client.file = None
    # Neither the EHLO nor the login.
    assert client.docmd("MAIL", "FROM:<app@client.example>")[0] == 503
    code, text = client.ehlo()
    assert code == 250 and b"STARTTLS" not in text and b"AUTH" in text, text
    assert client.docmd("AUTH", "PLAIN AGFubkBsb2NhbGhvc3QAYW5u")[0] == 235
else:
    # To refuse it after AUTH is right, too.
    assert code in (503, 554), (code, text)
client.quit()

host, port = pop3.rsplit(":", 1)
client = poplib.POP3(host, int(port), timeout=30)
client.user("ann@localhost")
client.stls(context=context)
try:
    client.pass_("ann")
    raise AssertionError("USER is forgotten")
except poplib.error_proto:
    pass
client.user("ann@localhost")
client.pass_("ann")
client.quit()
