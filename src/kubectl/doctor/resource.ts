import type { VaultIntegrationSpec, VaultIntegrationStatus } from '../../api/vault-integration.ts';

/** What a ConnectionTest answers. */
export interface TestStatus {
  readonly ok?: boolean;
  readonly reason?: string;
  readonly message?: string;
  readonly steps?: readonly Step[];
  readonly keyCount?: number;
  readonly authMethod?: string;
  readonly mount?: string;
  readonly secretPath?: string;
}

export interface Step {
  readonly name: string;
  readonly outcome: 'Passed' | 'Failed' | 'Skipped';
  readonly message?: string;
}

export interface SeenIntegration {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec: VaultIntegrationSpec;
  readonly status?: VaultIntegrationStatus;
}
