import { z } from 'zod';

/** What is used of a kubeconfig; the rest may be there. kubectl writes null for lists that are empty. */
const text = z.string().nullish().transform(present);
const flag = z.boolean().nullish().transform(present);

function present<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

const cluster = z.object({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': flag,
  'tls-server-name': text,
  'proxy-url': text,
});

const exec = z.object({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish().transform(present),
  env: z
    .array(z.object({ name: z.string(), value: z.string() }))
    .nullish()
    .transform(present),
  interactiveMode: text,
  provideClusterInfo: flag,
  installHint: text,
});

const user = z.object({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish().transform(present),
  'as-user-extra': z.record(z.string(), z.array(z.string())).nullish().transform(present),
  exec: exec.nullish().transform(present),
  'auth-provider': z.object({ name: z.string() }).nullish().transform(present),
});

const context = z.object({ cluster: text, user: text, namespace: text });

function listOf<T extends z.ZodObject>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

export const kubeconfig = z.object({
  'current-context': text,
  clusters: listOf(z.object({ name: z.string(), cluster })),
  contexts: listOf(z.object({ name: z.string(), context })),
  users: listOf(
    z.object({
      name: z.string(),
      user: user
        .partial()
        .nullish()
        .transform((given) => given ?? {}),
    }),
  ),
});

export type Kubeconfig = z.infer<typeof kubeconfig>;
export type Cluster = Partial<z.infer<typeof cluster>> & { readonly server: string };
export type User = Partial<z.infer<typeof user>>;
export type Exec = z.infer<typeof exec>;
