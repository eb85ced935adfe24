import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { containersMistake, namesMistake } from '../../src/admission/annotations.ts';
import { CONTAINERS_ANNOTATION, GROUP, REFERENCES_ANNOTATION } from '../../src/api/names.ts';
import { secretReference } from '../../src/api/secret-reference.ts';

/** config/samples/jupyter: for other people's kinds, which no test of ours can create. */
const folder = new URL('../../config/samples/jupyter/', import.meta.url);
const names = readdirSync(folder);
const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

// oxlint-disable-next-line typescript/no-explicit-any -- other people's kinds
type Json = any;

/** Without what Jinja would fill in: an expression becomes its own name. */
const rendered = (template: string): string =>
  template
    .replaceAll(/\{#.*?#\}/gs, '')
    .replaceAll(/\{\{ (\w+) \}\}/g, (_, name: string) => name.replaceAll('_', '-'));

function documents(name: string): Json[] {
  const parsed = parseAllDocuments(name.endsWith('.j2') ? rendered(text(name)) : text(name));
  return parsed.map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
}

/** Each annotation of ours in a file, `key: value` or `"key": "value"`; comments are no annotations. */
function annotations(name: string): (readonly [key: string, value: string])[] {
  return codeOf(name)
    .flatMap((line) => [...line.matchAll(/"?(fairlead\.dev\/[\w-]+)"?: "?([^"},]+)/g)])
    .map(([, key = '', value = '']) => [key, value]);
}

const codeOf = (name: string): string[] =>
  rendered(text(name))
    .split('\n')
    .filter((line) => !line.trim().startsWith('#'));

const references = documents('references.yaml');
const yaml = names.filter((name) => /\.(yaml|values|j2)$/.test(name));
const carriers = ['jupyterhub_config.py', 'zero-to-jupyterhub.values', 'kubeflow.yaml', 'kernel-pod.yaml.j2'];

describe('the samples for Jupyter', () => {
  it.each(yaml)('%s is YAML', (name) => {
    expect(documents(name).length).toBeGreaterThan(0);
  });

  it.each(carriers)('%s has annotations of ours, with values that admission takes', (name) => {
    const found = annotations(name);
    const known = [REFERENCES_ANNOTATION, CONTAINERS_ANNOTATION];
    expect(found.map(([key]) => key)).toContain(REFERENCES_ANNOTATION);
    for (const [key, value] of found) {
      expect(known).toContain(key);
      const mistake = key === REFERENCES_ANNOTATION ? namesMistake(key, value) : containersMistake(value);
      expect(mistake).toBeUndefined();
    }
    // No other way of writing them, which would have escaped.
    expect(found).toHaveLength(codeOf(name).filter((line) => line.includes(`${GROUP}/`)).length);
  });

  it.each(carriers)('%s names references that are there', (name) => {
    const there = references.map(({ metadata }) => metadata.name as string);
    for (const [key, value] of annotations(name))
      if (key === REFERENCES_ANNOTATION) expect(there).toContain(value);
  });

  it('has references and pods in one namespace', () => {
    const manifests = ['kubeflow.yaml', 'jupyter-server.yaml'].flatMap(documents);
    for (const { metadata } of [...references, ...manifests])
      expect(metadata.namespace).toBe('marketing-jobs');
    expect(text('jupyterhub_config.py')).toContain('c.KubeSpawner.namespace = "marketing-jobs"');
    const { env } = documents('jupyter-server.yaml')[0].spec.template.spec.containers[0];
    expect(env).toContainEqual({ name: 'KERNEL_NAMESPACE', value: 'marketing-jobs' });
  });

  it('has references that the API takes, and any pod may have: no property beside spark.hadoop.*', () => {
    for (const reference of references) {
      expect(secretReference.spec.safeParse(reference.spec).success).toBe(true);
      for (const { name } of reference.spec.sparkConf ?? []) expect(name).toMatch(/^spark\.hadoop\./);
    }
  });

  it('has the annotation on the Notebook, and names the container by which Kubeflow finds it', () => {
    const [notebook, podDefault] = documents('kubeflow.yaml');
    const { annotations, name } = notebook.metadata;
    expect(Object.keys(annotations)).toEqual([REFERENCES_ANNOTATION, CONTAINERS_ANNOTATION]);
    expect(annotations[CONTAINERS_ANNOTATION]).toBe(name);
    expect(notebook.spec.template.spec.containers[0].name).toBe(name);
    expect(notebook.spec.template.metadata).toBeUndefined();
    expect(podDefault.spec.annotations[REFERENCES_ANNOTATION]).toBe('notebook-lake');
    // The controller leaves out the annotations that have one of these words in their name.
    for (const key of Object.keys(annotations)) expect(key).not.toMatch(/kubectl|notebook/);
  });

  it('gives kernels of Enterprise Gateway the same time on both sides, more than the 30 s', () => {
    const [values, server] = ['enterprise-gateway.values', 'jupyter-server.yaml'].flatMap(documents);
    const { env } = server.spec.template.spec.containers[0];
    const sent = env.find(({ name }: Json) => name === 'KERNEL_LAUNCH_TIMEOUT').value;
    expect(Number(sent)).toBe(values.kernel.launchTimeout);
    expect(values.kernel.launchTimeout).toBeGreaterThan(30);
  });

  it("chooses a kernel's container by the name that it has", () => {
    const [pod] = documents('kernel-pod.yaml.j2');
    expect(pod.metadata.annotations[CONTAINERS_ANNOTATION]).toBe(pod.spec.containers[0].name);
  });
});
