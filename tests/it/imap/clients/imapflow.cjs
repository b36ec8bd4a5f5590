// What imapflow does for a web mailer.
//
// imapflow.cjs FOLDER TRANSPORT ADDR CA USER PASSWORD

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { once } = require('node:events');

const [folder, transport, addr, ca, user, pass] = process.argv.slice(2);
const { ImapFlow } = require(path.join(folder, 'node_modules/imapflow'));

const client = () =>
    new ImapFlow({
        host: 'localhost',
        port: Number(addr.split(':').pop()),
        secure: transport === 'implicit',
        doSTARTTLS: transport === 'starttls',
        tls: { ca: fs.readFileSync(ca) },
        auth: { user, pass },
        logger: false
    });

const message = subject => `From: "Ä" <app@client.example>\r\nSubject: ${subject}\r\n\r\nthis is ${subject}\r\n`;

async function main() {
    const first = client();
    await first.connect();
    assert.ok(first.secureConnection || first.tls, 'it is encrypted');

    await first.mailboxCreate(['Pläne', 'Zürich & Köln']);
    const created = (await first.list()).map(mailbox => mailbox.path);
    assert.ok(created.includes('INBOX') && created.includes('Pläne/Zürich & Köln'), created.join());

    for (const subject of ['one', 'two', 'three']) {
        await first.append('INBOX', message(subject), ['$Label1'], new Date('2026-01-02T03:04:05Z'));
    }
    const status = await first.status('INBOX', { messages: true, unseen: true, uidNext: true });
    assert.deepEqual([status.messages, status.unseen, status.uidNext], [3, 3, 4]);

    const opened = await first.mailboxOpen('INBOX');
    assert.equal(opened.exists, 3);
    const subjects = [];
    for await (const item of first.fetch('1:*', { envelope: true, flags: true, internalDate: true })) {
        subjects.push(item.envelope.subject);
        assert.ok(item.flags.has('$Label1'));
        assert.equal(new Date(item.internalDate).toISOString(), '2026-01-02T03:04:05.000Z');
    }
    assert.deepEqual(subjects, ['one', 'two', 'three']);
    const one = await first.fetchOne('1', { source: true, bodyStructure: true });
    assert.equal(one.source.toString(), message('one'));
    assert.equal(one.bodyStructure.type, 'text/plain');
    const { content } = await first.download('2', '1');
    const chunks = [];
    for await (const chunk of content) chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString(), 'this is two\r\n');

    assert.deepEqual(await first.search({ subject: 'two' }, { uid: true }), [2]);
    await first.messageFlagsAdd('2', ['\\Seen', '\\Flagged'], { uid: true });
    await first.messageFlagsRemove('2', ['\\Flagged'], { uid: true });
    assert.deepEqual(await first.search({ seen: true }), [2]);
    await first.messageCopy('2', 'Pläne/Zürich & Köln', { uid: true });
    await first.messageMove('3', 'Pläne/Zürich & Köln', { uid: true });
    await first.messageDelete('1', { uid: true });
    assert.deepEqual(await first.search({ all: true }, { uid: true }), [2]);
    assert.equal((await first.status('Pläne/Zürich & Köln', { messages: true })).messages, 2);

    // While it waits, another stores a message.
    const told = once(first, 'exists');
    const idle = first.idle();
    const second = client();
    await second.connect();
    await second.append('INBOX', message('four'));
    const [exists] = await told;
    assert.deepEqual([exists.path, exists.count, exists.prevCount], ['INBOX', 2, 1]);
    await second.logout();
    await first.noop();
    await idle;

    await first.mailboxRename('Pläne/Zürich & Köln', 'Archiv');
    await first.mailboxDelete('Archiv');
    const rest = (await first.list()).map(mailbox => mailbox.path);
    assert.ok(!rest.includes('Archiv') && !rest.includes('Pläne/Zürich & Köln'), rest.join());
    await first.logout();
}

main().then(
    () => process.exit(0),
    error => {
        console.error(error);
        process.exit(1);
    }
);
