/**
 * The conversation with this peer cannot go on; other peers are not affected. `NOT_MOUNTED`: refused because the peer has lost
 * the file system of the file.
 */
export class ConversationError extends Error {
  readonly code: 'OUT_OF_STEP' | 'REFUSED' | 'NOT_MOUNTED' | 'CERTIFICATE' | 'CONFIGURATION';
  constructor(code: ConversationError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConversationError';
    this.code = code;
  }
}
