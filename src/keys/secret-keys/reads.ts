import type { LiveReads } from '../../controllers/live.ts';
import type { NameReads } from './vault-names.ts';

/** What requests that come at the same time share. */
export interface Reads {
  /** Of the API server. */
  readonly live: LiveReads;
  /** Of Vault. */
  readonly names: NameReads;
}
