export type ProtocolErrorCode = 'LINE_TOO_LONG' | 'OUT_OF_STEP';

/** The stream is out of step: what follows cannot be understood, so the conversation has to end. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
  }
}
