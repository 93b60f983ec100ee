// Run by stdio.test.ts: serves whoever is at standard input and output. `SSL` switches to TLS, `BYE` ends, `WHO` is
// answered by the peer's address, anything else by itself in upper case.
import { readFileSync } from 'node:fs';
import { Inbox } from '../../src/protocol/protocol.ts';
import { ChannelError } from '../../src/transport/channel.ts';
import { openStdio } from '../../src/transport/openStdio.ts';

const directory = process.argv[2] ?? '.';

async function serve(): Promise<void> {
  const channel = openStdio();
  if (channel === undefined) return;
  const inbox = new Inbox();
  for (;;) {
    const line = inbox.tryLine();
    if (line === undefined) {
      const chunk = await channel.read();
      if (chunk === undefined) break;
      inbox.push(chunk);
    } else if (line === 'SSL') {
      channel.write('OK (activating_ssl).\n');
      const key = readFileSync(`${directory}/csync2_ssl_key.pem`, 'utf8');
      const certificate = readFileSync(`${directory}/csync2_ssl_cert.pem`, 'utf8');
      await channel.startTls('server', { key, certificate }, inbox.takeAll());
    } else if (line === 'BYE') break;
    else channel.write(`${line === 'WHO' ? String(channel.remoteAddress) : line.toUpperCase()}\n`);
  }
  channel.write('OK (cu_later).\n');
  await channel.close();
}

serve().catch((error: unknown) => {
  console.error(error instanceof ChannelError ? error.code : error);
  process.exitCode = 1;
});
