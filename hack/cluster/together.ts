/**
 * Runs tasks side by side. When one fails the others are told to end and awaited, so that nothing goes on in the
 * background after the error was reported; the first error is the one thrown.
 */
export async function together(
  signal: AbortSignal | undefined,
  tasks: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const failed = new AbortController();
  const both = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const errors: unknown[] = [];
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task(both);
      } catch (error) {
        errors.push(error);
        failed.abort(error);
      }
    }),
  );
  if (errors.length > 0) throw errors[0];
}
