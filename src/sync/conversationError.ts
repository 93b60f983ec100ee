/** The conversation with this peer cannot go on; other peers are not affected. */
export class ConversationError extends Error {
  readonly code: 'OUT_OF_STEP' | 'REFUSED' | 'CERTIFICATE' | 'CONFIGURATION';
  constructor(code: ConversationError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConversationError';
    this.code = code;
  }
}
