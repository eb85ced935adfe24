const PROGRESS_MS = 15_000;

/** The time since then, for people: `45 s`, `2 min 5 s`. */
export function since(started: number): string {
  const seconds = Math.round((performance.now() - started) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Does long work, and says every 15 seconds that it goes on: `building etcd: 30 s`. */
export async function withProgress<T>(
  what: string,
  log: ((line: string) => void) | undefined,
  work: (elapsed: () => string) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const elapsed = () => since(started);
  const progress = setInterval(() => log?.(`${what}: ${elapsed()}`), PROGRESS_MS);
  try {
    return await work(elapsed);
  } finally {
    clearInterval(progress);
  }
}
