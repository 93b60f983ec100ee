import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../scenarios/harness/process.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { key, Site } from './harness/site.ts';

describe('limits of the configuration', () => {
  test('sessions, time to log in, idle time, lines: each where it is set', async () => {
    const site = new Site({ hosts: 2 });
    const [server, member] = [site.at(0), site.at(1)];
    try {
      const statements = 'login-timeout 1; idle-timeout 2; max-line 1K; max-sessions-per-address 3; max-size 10;\n';
      site.configure('', statements);
      server.tree.write('file', 'content');
      await server.run('-cIr /');
      await server.serve();

      const slow = await RawPeer.connect(server.name, server.port, member.name);
      assert.equal(await slow.ask('CONFIG '), 'OK (cmd_finished).');
      assert.equal(await slow.rest(5000), '', 'who does not log in is put out');
      const says = (text: string): Promise<boolean> => until(() => server.log.includes(text), 5000);
      assert.ok(await says(`${member.name}: did not identify itself within 1 seconds`), server.log);

      const enter = async (): Promise<RawPeer> => {
        const peer = await RawPeer.connect(server.name, server.port, member.name);
        await peer.ask('CONFIG ');
        assert.equal(await peer.ask(`HELLO ${member.name}`), 'OK (cmd_finished).');
        return peer;
      };
      const idle = await enter();
      assert.equal(await idle.rest(8000), '');
      assert.ok(await says('nothing happened for 2 seconds'), server.log);

      const long = await enter();
      assert.equal(await long.ask(`GETSZ ${key} %25t%25/${'a'.repeat(900)}`), 'Permission denied!');
      assert.equal(await long.ask(`GETSZ ${key} %25t%25/${'a'.repeat(1000)}`), 'Line too long (more than 1024 bytes).');
      assert.equal(await long.rest(), '');

      const members = [await enter(), await enter(), await enter()];
      const fourth = await RawPeer.connect(server.name, server.port, member.name);
      assert.equal(await fourth.rest(5000), '', 'a fourth is refused while three members are there');
      for (const peer of [slow, idle, long, fourth, ...members]) peer.close();

      member.tree.write('file', 'content, and too much of it', { mtime: 1_700_000_500 });
      member.tree.write('small', 'little');
      const { code, output } = await member.run('-x');
      assert.equal(code, 1);
      assert.match(output, /ERROR from peer .*: File too large/);
      assert.equal(server.tree.read('small'), 'little', 'other files go on');
      assert.equal(server.tree.read('file'), 'content');
      assert.equal(member.rows().dirty.length, 1);
    } finally {
      await site.close();
    }
  });
});
