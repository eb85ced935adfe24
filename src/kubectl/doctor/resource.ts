/** What a ConnectionTest answers; the server may be of another version than the plugin. */
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
