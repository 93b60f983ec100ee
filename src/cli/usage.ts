/** One letter of the command line: how it is written in the help, and what it does. */
export interface OptionEntry {
  /** As commander takes it: `-r`, `-N <name>`. */
  readonly flags: string;
  /** How the help shows it, where that says more than `flags`. */
  readonly term?: string;
  readonly description: string;
}

export interface OptionGroup {
  readonly heading: string;
  readonly options: readonly OptionEntry[];
}

/** The modes: exactly one of these letters is given, or -c and -u together. */
export const modes: OptionGroup = {
  heading: 'Modes (exactly one, or -cu):',
  options: [
    { flags: '-h', term: '-h [-r] FILE...', description: 'remember files as hints for a later -c' },
    {
      flags: '-c',
      term: '-c [-r] [FILE...]',
      description: 'check: mark changed files as dirty; without FILE: all hints',
    },
    { flags: '-u', term: '-u [-d] [-r] [FILE...]', description: 'update: send dirty files to their peers' },
    { flags: '-x', term: '-x [-d] [-r] [FILE...]', description: 'check and update; without FILE: everything' },
    { flags: '-o', term: '-o [-r] FILE...', description: 'print which of these files the configuration covers' },
    { flags: '-f', term: '-f [-r] FILE...', description: 'let this side win the next conflict over these dirty files' },
    { flags: '-m', term: '-m [-r] FILE...', description: 'mark files as dirty for all peers, changed or not' },
    { flags: '-H', description: 'list hints' },
    { flags: '-L', description: 'list known files' },
    { flags: '-M', description: 'list dirty files' },
    { flags: '-S', term: '-S MYNAME PEER', description: 'list the known files that this pair of hosts shares' },
    {
      flags: '-T',
      term: '-T [MYNAME PEER] [FILE]',
      description: 'compare databases with the peers; -TT: print unified diffs',
    },
    { flags: '-R', description: 'forget files that the configuration no longer covers' },
    {
      flags: '-i',
      description:
        'serve one connection on stdin and stdout, as from inetd; -ii: serve stand-alone; -iii: the same, one connection only',
    },
    { flags: '-k <file>', description: 'create a key file; takes no other option' },
    { flags: '--make-cert', description: "create this host's key and certificate" },
    { flags: '--ls-ssl-cert', term: '--ls-ssl-cert [HOST]', description: 'list the remembered certificates of peers' },
    {
      flags: '--rm-ssl-cert',
      term: '--rm-ssl-cert HOST',
      description: "forget a peer's certificate, to accept a new one",
    },
    {
      flags: '--forget-mount',
      term: '--forget-mount DIR...',
      description: 'these are mount points no more: from now on what is not there counts as deleted',
    },
    { flags: '--status', description: 'how this host and its peers are; exit status as for a monitoring check' },
    {
      flags: '--explain',
      term: '--explain FILE...',
      description: 'why a file is or is not synchronized, and how it stands',
    },
  ],
};

/** What refines a mode. */
export const modifiers: OptionGroup = {
  heading: 'Modifiers:',
  options: [
    { flags: '-r', description: 'also everything below the files' },
    { flags: '-d', description: 'dry run: change nothing on the peers' },
    { flags: '-v', description: 'say more: progress; -vv: decisions; -vvv: the wire; -vvvv: rows' },
    { flags: '-C <name>', description: 'use csync2_NAME.cfg and a database of its own' },
    {
      flags: '-D <database>',
      description:
        'directory of the database, or a URL: sqlite3://PATH, mysql:// or pgsql://[USER[:PASSWORD]@]HOST[:PORT]/[NAME]',
    },
    { flags: '-N <host>', description: 'name of this host in the configuration, and the address to bind' },
    { flags: '-p <port>', description: 'TCP port or service name (default 30865)' },
    { flags: '-G <groups>', description: 'use only these groups (a,b,...)' },
    {
      flags: '-P <peers>',
      description: 'update, and show in -o, only these peers (a,b,...); files are marked for all',
    },
    { flags: '-F', description: 'files newly marked as dirty win their next conflict' },
    { flags: '-I', description: 'first run: record files without marking them; with -T: mark what differs' },
    { flags: '-X', description: 'with -TI: also mark what only the peer has' },
    { flags: '-U', description: 'with -TI: mark for the compared peer only' },
    { flags: '-B', description: 'short database transactions only' },
    { flags: '-A', description: 'do not wait for the disk: a power cut may damage the database' },
    { flags: '-t', description: 'time stamps in messages' },
    { flags: '-s <file>', description: 'begin and end of the run to this file' },
    { flags: '-l', description: 'messages to syslog instead of stderr; always with -i' },
    { flags: '-W <fd>', description: 'write directories with relevant files to this descriptor, NUL-terminated' },
    { flags: '--json', description: 'print JSON, an object a line: lists, -c, -u, -x, -T, --status, --explain' },
    { flags: '--no-progress', description: 'no progress line on the terminal' },
  ],
};

export const synopsis = '[-v...] [-C name] [-D database] [-N host] [-p port] MODE [FILE...]';

export const afterOptions = `
Exit status:
  0  no errors
  1  some error
  2  -H, -L, -M, -S: nothing to list; -T: in sync
  --status: 0 well, 1 warning, 2 critical, 3 unknown

Files and environment:
  CSYNC2_SYSTEM_DIR (default /etc) is where csync2.cfg, keys and certificates are.
  If it holds a file csync2.lock, csync2 refuses to do anything but -k and --make-cert.
  The manual pages csync2(1), csync2.cfg(5) and csync2-compare(1) say more.
`;
