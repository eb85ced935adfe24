/**
 * Loaded before Fairlead: `node --import .../shifted-clock.ts?days=-61`. What it takes for the date is so many days off;
 * TLS, the API server and everybody else have the right one.
 */
const shift = Number(new URL(import.meta.url).searchParams.get('days')) * 86_400_000;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args: [] | [number | string]) {
    super(args.length === 0 ? RealDate.now() + shift : args[0]);
  }

  static override now(): number {
    return RealDate.now() + shift;
  }
} as DateConstructor;
