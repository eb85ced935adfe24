import { TEST_STEPS, type TestStepName } from '../../../api/connection-test.ts';
import type { Reason } from '../../../api/reasons.ts';
import { VaultError, type Fault } from '../errors.ts';

/**
 * How a step ended. `message` is for whoever may use the integration: no address, no login, nothing of a
 * certificate; `detail` says the same in full for whoever may also see how it connects.
 */
export type StepResult = Texts &
  (
    | { readonly outcome: 'Passed' | 'Skipped' }
    /** `isLogin`: why is not the business of those who only use the integration. */
    | { readonly outcome: 'Failed'; readonly reason: Reason; readonly isLogin?: boolean }
  );

interface Texts {
  readonly message: string;
  readonly detail?: string | undefined;
}

export type Step = StepResult & { readonly name: TestStepName };
export type FailedStep = Extract<Step, { outcome: 'Failed' }>;

export const passed = (message: string, detail?: string): StepResult => ({
  outcome: 'Passed',
  message,
  detail,
});
export const skipped = (message: string, detail?: string): StepResult => ({
  outcome: 'Skipped',
  message,
  detail,
});
export const failed = (reason: Reason, message: string, detail?: string): StepResult => ({
  outcome: 'Failed',
  reason,
  message,
  detail,
});

/** Thrown inside a step that need not go on. */
export class StepEnd extends Error {
  override readonly name = 'StepEnd';
  readonly result: StepResult;

  constructor(result: StepResult) {
    super('the step is over');
    this.result = result;
  }
}

export interface StepsOptions {
  /** Of the client: its reason is thrown. */
  readonly signal: AbortSignal;
  /** Of the whole test: the step that it comes in fails. */
  readonly deadline: AbortSignal;
  readonly explain: (fault: Fault) => string;
}

const TOO_SLOW = failed(
  'Unreachable',
  'the test took too long and was ended: check Vault, spec.host and network policies',
);

/** The steps of one test, taken one after the other until one fails. */
export class Steps {
  readonly #options: StepsOptions;
  readonly #taken: Step[] = [];

  constructor(options: StepsOptions) {
    this.#options = options;
  }

  /** The step that failed, if one did. */
  get failed(): FailedStep | undefined {
    return this.#taken.find((step) => step.outcome === 'Failed');
  }

  /**
   * Takes a step if none has failed so far. A VaultError fails it, in words; the client's going away is thrown, and
   * so is whatever is a mistake of ours.
   */
  async take(name: TestStepName, work: () => Promise<StepResult> | StepResult): Promise<void> {
    if (this.failed) return;
    const { signal, deadline } = this.#options;
    let result: StepResult;
    try {
      signal.throwIfAborted();
      deadline.throwIfAborted();
      result = await work();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof StepEnd) result = error.result;
      else if (deadline.aborted) result = TOO_SLOW;
      else if (error instanceof VaultError) result = this.#fault(error.fault);
      else throw error;
    }
    this.#taken.push({ ...result, name });
  }

  /** All of them, those that were not taken skipped, in their order. */
  all(): readonly Step[] {
    const failed = this.failed?.name;
    return TEST_STEPS.map((name) => {
      const why = failed === undefined ? 'not tried, without a login' : `not tried, since ${failed} failed`;
      return this.#taken.find((step) => step.name === name) ?? { ...skipped(why), name };
    });
  }

  #fault(fault: Fault): StepResult {
    return failed(fault.reason, this.#options.explain(fault));
  }
}

/** All steps skipped but the one that fails: nothing was sent. */
export function failedBefore(name: TestStepName, result: StepResult): readonly Step[] {
  return TEST_STEPS.map((step) =>
    step === name
      ? { ...result, name }
      : { ...skipped(`not tried, since the integration cannot be used as it is: see ${name}`), name: step },
  );
}

/** No step was taken. */
export function allSkipped(message: string): readonly Step[] {
  return TEST_STEPS.map((name) => ({ ...skipped(message), name }));
}
