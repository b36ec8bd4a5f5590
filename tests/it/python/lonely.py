"""Runs a server where there is no network but loopback, sends a message and reads it.

lonely.py BINARY
"""

import fcntl
import poplib
import re
import smtplib
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

# `ip link set lo up`, of which not every machine has `ip`.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    request = struct.pack("16sh14x", b"lo", 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
assert [name for _, name in socket.if_nameindex() if name == "lo"], "no loopback"

ports = [word for name in ("smtp", "smtps", "pop3", "pop3s") for word in (f"--{name}", "127.0.0.1:0")]
server = subprocess.Popen([sys.argv[1], "dev", *ports], stdout=subprocess.PIPE, text=True)
try:
    addrs = {}
    for line in server.stdout:
        addrs.update(re.findall(r"(SMTP|POP3)\s+127\.0\.0\.1:(\d+)", line))
        if line.startswith("ready in"):
            break
    client = smtplib.SMTP("127.0.0.1", int(addrs["SMTP"]), timeout=30, local_hostname="client.example")
    client.sendmail("app@client.example", ["ann@localhost"], b"Subject: lonely\r\n\r\nhi\r\n")
    client.quit()
    client = poplib.POP3("127.0.0.1", int(addrs["POP3"]), timeout=30)
    client.user("ann@localhost")
    client.pass_("ann")
    assert b"Subject: lonely" in client.retr(1)[1]
    client.quit()
finally:
    server.terminate()
    assert server.wait(timeout=30) == 0, server.returncode
