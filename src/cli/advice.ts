import { ConfigError } from '../config/configError.ts';
import { KeyError, NotAMemberError, PrefixError } from '../groups/cluster.ts';
import { StoreError } from '../store/store.ts';
import { ChannelError } from '../transport/channel.ts';
import { SetupError } from './setup.ts';

/** What to do about an error that ended a run. The error itself says what and where. Undefined: there is nothing to add. */
export function adviceFor(error: unknown): string | undefined {
  if (error instanceof ConfigError) return error.line === 0 ? missingConfig : 'See csync2.cfg(5) for the language.';
  if (error instanceof KeyError) {
    return "Copy the key of the group from another of its hosts, or make a new one for all of them with 'csync2 -k FILE'.";
  }
  if (error instanceof NotAMemberError) {
    return 'Name this host in a group of the configuration (with -G: in one of those), or say with -N which of its hosts this is.';
  }
  if (error instanceof PrefixError) return "Give this host an 'on' line in that prefix; 'on *:' is for all hosts.";
  if (error instanceof SetupError) return error.advice;
  if (error instanceof StoreError) return storeAdvice(error);
  if (error instanceof ChannelError) return channelAdvice(error);
  return undefined;
}

const missingConfig =
  "Write one, see csync2.cfg(5); or say where it is: CSYNC2_SYSTEM_DIR names its directory, 'csync2 -C NAME' reads csync2_NAME.cfg.";

function storeAdvice({ code, message }: StoreError): string | undefined {
  switch (code) {
    case 'OPEN':
      return /:\/\//.test(message) ? reachServer : "-D or the configuration's 'database' names another place for it.";
    case 'LOCKED':
      return "Wait until the other csync2 has finished, or allow for more time with 'lock-timeout SECONDS;'.";
    case 'CONNECTION':
      return reachServer;
    case 'READ':
    case 'WRITE':
      if (message.endsWith('database or disk is full')) return 'Nothing is lost: make room where the database is.';
      return "If the database is damaged: move it away, and record the files of a cluster in step with 'csync2 -cIr /'.";
    case 'UNSUPPORTED':
      return 'See DATABASES in csync2(1).';
  }
}

const reachServer = 'Does the database server run, and does it let this account in?';

function channelAdvice({ code }: ChannelError): string | undefined {
  if (code === 'UNSUPPORTED') return "'csync2 -ii' serves on its own; -i is for inetd, systemd and ssh.";
  if (code !== 'LISTEN') return undefined;
  return (
    'If another server has the port, stop it (systemctl stop csync2.socket), or take another port with -p on all hosts. ' +
    'The address is that of -N.'
  );
}
