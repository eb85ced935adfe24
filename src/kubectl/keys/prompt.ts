import { PluginError, usageError } from '../cli/exit.ts';

/** Of a terminal, what is used here. */
export interface Terminal extends NodeJS.EventEmitter {
  setRawMode(mode: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
}

interface Prompt {
  readonly write: (text: string) => unknown;
  readonly stdin: Terminal;
}

/** Asks for a value twice without showing it. Rejects with PluginError if they differ, or Ctrl-C is pressed. */
export async function askTwice(key: string, prompt: Prompt): Promise<string> {
  const first = await hiddenLine(`Value of ${key}: `, prompt);
  if (first === '') throw usageError('the value is empty');
  const second = await hiddenLine('The same again: ', prompt);
  if (first !== second) throw usageError('the two values differ; nothing was written');
  return first;
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';

async function hiddenLine(question: string, { write, stdin }: Prompt): Promise<string> {
  write(question);
  stdin.setRawMode(true);
  const decoder = new TextDecoder();
  let line = '';
  return new Promise<string>((done, fail) => {
    const end = (): void => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      stdin.setRawMode(false);
      stdin.pause();
      write('\n');
    };
    const onEnd = (): void => {
      end();
      fail(new PluginError('NotOk', 'interrupted; nothing was written'));
    };
    const onData = (bytes: Uint8Array): void => {
      for (const character of decoder.decode(bytes, { stream: true })) {
        if (character === CTRL_C) return onEnd();
        if (character === '\r' || character === '\n' || character === CTRL_D) {
          end();
          return done(line);
        }
        if (character === '\b' || character === '\u007f') line = Array.from(line).slice(0, -1).join('');
        else if (character === CTRL_U) line = '';
        else line += character;
      }
      return undefined;
    };
    stdin.on('data', onData);
    stdin.on('end', onEnd);
    stdin.resume();
  });
}

/** Asks a question of yes or no; anything but yes is no. */
export async function confirmed(
  question: string,
  { write, stdin }: { write: (text: string) => unknown; stdin: AsyncIterable<unknown> },
): Promise<boolean> {
  write(`${question} [y/N] `);
  let answer = '';
  for await (const chunk of stdin) {
    answer += Buffer.from(chunk as Uint8Array).toString();
    if (answer.includes('\n') || answer.length > 100) break;
  }
  return /^\s*y(es)?\s*$/i.test(answer);
}
