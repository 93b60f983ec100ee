// Run by stdio.test.ts: welcomes one connection on the listening socket that it was given as descriptor 3.
import { listenTcp } from '../../src/transport/listenTcp.ts';

const listener = await listenTcp({
  port: 0,
  fd: 3,
  onChannel: (channel) => {
    channel.write(`welcome to ${listener.port}\n`);
    listener.close();
    void channel.close();
  },
  onError: (error) => {
    throw error;
  },
});
