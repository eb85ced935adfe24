/** Resolves when the signal is aborted: what hangs must hold neither a pass nor the end of the process. */
export async function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
