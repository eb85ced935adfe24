/** A part of an env value: text, or the name of a variable whose value the kubelet puts there. */
export type ValuePiece = string | { readonly variable: string };

/**
 * An env value as the kubelet reads it (third_party/forked/golang/expansion): `$(NAME)` stands for a variable, `$$` for
 * one `$`, so `$$(NAME)` is text and `$$$(NAME)` a `$` and a variable. A `$(` that is not closed is text.
 */
export function valuePieces(value: string): readonly ValuePiece[] {
  const pieces: ValuePiece[] = [];
  let [from, close] = [0, 0];
  for (let at = value.indexOf('$'); at !== -1; at = value.indexOf('$', from)) {
    const next = value[at + 1] ?? '';
    pieces.push(value.slice(from, at));
    if (next === '(' && close !== -1 && close < at + 2) close = value.indexOf(')', at + 2);
    if (next === '(' && close !== -1) {
      pieces.push({ variable: value.slice(at + 2, close) });
      from = close + 1;
    } else {
      pieces.push(next === '$' ? '$' : `$${next}`);
      from = at + 2;
    }
  }
  pieces.push(value.slice(from));
  return pieces.filter((piece) => piece !== '');
}
