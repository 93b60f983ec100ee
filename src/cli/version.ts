/** Of this program; `package.json` has the same. */
export const version = '3.0.0-dev';
