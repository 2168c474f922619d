// Masks are sent as run lengths: label, count, label, count, ... over a slice, the first in-plane axis fastest.

/** Return the labels of one slice of `size` voxels. */
export function decode(runs: readonly number[], size: number): Uint16Array {
  const labels = new Uint16Array(size);
  let at = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const end = at + (runs[i + 1] as number);
    if (end > size) throw new RangeError(`Runs of more than the slice's ${size} voxels`);
    if (runs[i] !== 0) labels.fill(runs[i] as number, at, end);
    at = end;
  }
  return labels;
}

/** Return the run lengths of the labels of one slice. */
export function encode(labels: ArrayLike<number>): number[] {
  const runs: number[] = [];
  for (let at = 0; at < labels.length; ) {
    const label = labels[at] as number;
    let end = at + 1;
    while (end < labels.length && labels[end] === label) end++;
    runs.push(label, end - at);
    at = end;
  }
  return runs;
}

/** Return the number of labeled voxels. */
export function filled(runs: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) if (runs[i] !== 0) sum += runs[i + 1] as number;
  return sum;
}
