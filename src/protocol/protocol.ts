/** The wire language, without a socket: what other rooms use of it. */
export * from './blobs.ts';
export * from './capabilities.ts';
export * from './commands.ts';
export * from './contentDigest.ts';
export * from './errors.ts';
export * from './formatCommand.ts';
export * from './inbox.ts';
export * from './names.ts';
export * from './parseCommand.ts';
export * from './replies.ts';
export * from './values.ts';
